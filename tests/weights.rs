//! Pretrained weights: loaded when all of them fit, and otherwise refused with what to write.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::fs;
use std::path::{Path, PathBuf};

use freeze_runtime::{Error, Weights, WeightsError};
use freeze_tests::{Bits, Net, assert_moved};
use tch::nn::{self, VarStore};
use tch::{Device, Kind, Tensor};
use tempfile::TempDir;

type Outcome = Result<(), Error>;

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

/// The variables of a network that was trained elsewhere, in a file, with names changed.
struct File {
    folder: TempDir,
    net: Net,
}

impl File {
    fn path(&self) -> PathBuf {
        self.folder.path().join("weights.safetensors")
    }

    fn new(rename: impl Fn(&str) -> Option<String>) -> Self {
        Self::with(rename, &[])
    }

    /// The network, without the names for which `rename` is `None`, and other tensors.
    fn with(rename: impl Fn(&str) -> Option<String>, more: &[(&str, Tensor)]) -> Self {
        let net = Net::convolutions(Device::Cpu);
        tch::no_grad(|| {
            for (_, mut variable) in net.vs.variables() {
                let _ = variable.g_add_scalar_(1);
            }
        });
        let file = Self { folder: tempfile::tempdir().unwrap(), net };
        let named = file.net.vs.variables().into_iter();
        let mut all: Vec<(String, Tensor)> =
            named.filter_map(|(name, tensor)| Some((rename(&name)?, tensor))).collect();
        all.extend(more.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.shallow_clone())));
        Tensor::write_safetensors(&all, file.path()).unwrap();
        file
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of several renamings")]
fn same(name: &str) -> Option<String> {
    Some(name.to_owned())
}

/// Why weights do not fit a network; nothing is written then.
fn refused(weights: &Weights) -> String {
    let net = Net::convolutions(Device::Cpu);
    let before = Bits::of(&net.vs);
    let error = weights.load(&net.vs).unwrap_err();
    assert!(matches!(error, Error::Weights(_)), "{error}");
    assert_moved(&before, &net, &[]);
    error.to_string()
}

#[test]
fn weights_that_fit_come_over_to_the_bit() -> Outcome {
    let file = File::new(same);
    let net = Net::convolutions(Device::Cpu);
    let report = Weights::open(file.path())?.load(&net.vs)?;
    assert_moved(&Bits::of(&file.net.vs), &net, &[]);
    assert_eq!(report.loaded.len(), net.vs.variables().len());
    assert_eq!(report.to_string(), "loaded 12 tensors");
    assert_eq!((report.kept.len(), report.unused.len(), report.renamed.len()), (0, 0, 0));
    Ok(())
}

#[test]
fn a_prefix_is_offered_and_what_is_offered_fits() -> Outcome {
    let file = File::new(|name| Some(format!("model.{name}")));
    let help = "help: write `.strip_prefix(\"model.\")`: then the weights have 12 of the 12 names";
    let error = refused(&Weights::open(file.path())?);
    assert!(error.contains("12 tensors of the model missing in the weights"), "{error}");
    assert!(error.contains(help), "{error}");
    let error = refused(&Weights::open(file.path())?.strip_prefix("module."));
    assert!(error.starts_with("no tensor of the weights lies under `module`"), "{error}");
    assert!(error.contains(help), "{error}");
    for prefix in ["model.", "model"] {
        let net = Net::convolutions(Device::Cpu);
        let report = Weights::open(file.path())?.strip_prefix(prefix).load(&net.vs)?;
        assert_moved(&Bits::of(&file.net.vs), &net, &[]);
        assert_eq!(report.renamed.len(), 12);
    }
    // Nothing is to be stripped.
    let plain = File::new(same);
    let error = refused(&Weights::open(plain.path())?.strip_prefix("module."));
    assert!(error.ends_with("names of the weights begin with `fc`, `layer1`, `layer2`"), "{error}");
    // The model has the prefix, and the weights do not.
    let file = File::new(|name| name.strip_prefix("layer1.").map(str::to_owned));
    let vs = VarStore::new(Device::Cpu);
    let root = vs.root() / "body";
    let config = nn::ConvConfig { padding: 1, bias: false, ..nn::ConvConfig::default() };
    let _ = nn::conv2d(&root / "conv", 3, 4, 3, config);
    let _ = nn::batch_norm2d(&root / "bn", 4, nn::BatchNormConfig::default());
    let error = Weights::open(file.path())?.load(&vs).unwrap_err().to_string();
    assert!(
        error.contains("help: write `.rename(\"\", \"body\")`: then the weights have 5 of the 5")
    );
    assert_eq!(Weights::open(file.path())?.rename("", "body").load(&vs)?.loaded.len(), 5);
    Ok(())
}

#[test]
fn a_new_head_has_to_be_allowed_whether_the_weights_have_none_or_another() -> Outcome {
    let without = File::new(|name| (!name.starts_with("fc.")).then(|| name.to_owned()));
    let error = refused(&Weights::open(without.path())?);
    assert!(error.contains("2 tensors of the model missing in the weights"), "{error}");
    assert!(error.ends_with("help: write `.allow_missing(\"fc\")` if it starts with new values"));

    let shapes = [("fc.weight", Tensor::ones([10, 5], CPU)), ("fc.bias", Tensor::ones([10], CPU))];
    let larger = File::with(|name| (!name.starts_with("fc.")).then(|| name.to_owned()), &shapes);
    let error = refused(&Weights::open(larger.path())?);
    assert!(error.contains("`fc.weight` is [10, 5] in the weights and [3, 5] in the model"));
    assert!(error.ends_with("help: write `.allow_missing(\"fc\")` if it starts with new values"));

    for file in [without, larger] {
        let net = Net::convolutions(Device::Cpu);
        let before = Bits::of(&net.vs);
        let report = Weights::open(file.path())?.allow_missing("fc").load(&net.vs)?;
        assert_eq!(report.kept, ["fc.bias", "fc.weight"]);
        assert_eq!(report.to_string(), "loaded 10 tensors; kept fc.bias, fc.weight");
        let moved = before.moved(&Bits::of(&net.vs));
        assert_eq!(moved.len(), 10);
        assert!(moved.iter().all(|name| !name.starts_with("fc.")));
        // What is allowed for one part is not allowed for another.
        let other = refused(&Weights::open(file.path())?.allow_missing("layer1"));
        assert!(other.contains("fc"), "{other}");
    }
    Ok(())
}

#[test]
fn a_selector_is_one_of_the_language_and_must_select_something() -> Outcome {
    let file = File::new(|name| (!name.ends_with("running_var")).then(|| name.to_owned()));
    let net = Net::convolutions(Device::Cpu);
    let weights = Weights::open(file.path())?.allow_missing("*.bn.running_var");
    assert_eq!(weights.load(&net.vs)?.kept, ["layer1.bn.running_var", "layer2.bn.running_var"]);
    let error = refused(&Weights::open(file.path())?.allow_missing("layer3"));
    assert!(error.starts_with("the selector of `allow_missing`:\n\nerror[FRZ0201]"), "{error}");
    assert!(error.contains("layer2"), "{error}");
    // The excerpt has the program's own text and no more.
    assert!(error.contains("\n1 | layer3\n"), "{error}");
    let error = refused(&Weights::open(file.path())?.allow_missing("layer1 layer2"));
    assert!(error.contains("FRZ01"), "{error}");
    Ok(())
}

#[test]
fn misspelt_names_are_named_with_the_nearest() -> Outcome {
    let file = File::new(|name| Some(name.replace("layer2.conv", "layer2.cnov")));
    let error = refused(&Weights::open(file.path())?);
    assert!(
        error.contains("\n  `layer2.conv.weight` (the weights have `layer2.cnov.weight`)\n"),
        "{error}"
    );
    assert!(error.contains("1 tensor of the weights not in the model:\n  `layer2.cnov.weight`"));
    let net = Net::convolutions(Device::Cpu);
    for weights in [
        Weights::open(file.path())?.rename("layer2.cnov", "layer2.conv"),
        Weights::open(file.path())?.rename_with(|name| name.replace("cnov", "conv")),
    ] {
        assert_eq!(weights.load(&net.vs)?.renamed.len(), 1);
        assert_moved(&Bits::of(&file.net.vs), &net, &[]);
    }
    Ok(())
}

#[test]
fn what_the_model_does_not_have_must_be_allowed() -> Outcome {
    let file = File::with(same, &[("pooler.weight", Tensor::ones([2], CPU))]);
    let error = refused(&Weights::open(file.path())?);
    assert!(error.contains("1 tensor of the weights not in the model:\n  `pooler.weight`"));
    assert!(error.contains("`.allow_unexpected()`"), "{error}");
    let net = Net::convolutions(Device::Cpu);
    let report = Weights::open(file.path())?.allow_unexpected().load(&net.vs)?;
    assert_eq!(report.unused, ["pooler.weight"]);
    assert_eq!(report.to_string(), "loaded 12 tensors; did not use pooler.weight");
    Ok(())
}

#[test]
fn the_count_of_batches_that_pytorch_writes_is_no_difference() -> Outcome {
    let count = Tensor::from(7_i64);
    let file = File::with(same, &[("layer1.bn.num_batches_tracked", count.shallow_clone())]);
    let net = Net::convolutions(Device::Cpu);
    let report = Weights::open(file.path())?.load(&net.vs)?;
    assert_eq!(report.unused, ["layer1.bn.num_batches_tracked"]);
    // Of a norm that the model does not have, it is.
    let file = File::with(same, &[("layer3.bn.num_batches_tracked", count)]);
    assert!(refused(&Weights::open(file.path())?).contains("layer3.bn.num_batches_tracked"));
    Ok(())
}

#[test]
fn dtypes_are_converted_where_the_program_asks() -> Outcome {
    let file = File::new(same);
    let halves: Vec<(String, Tensor)> = file.net.vs.variables().into_iter().collect();
    let halves: Vec<_> =
        halves.into_iter().map(|(name, it)| (name, it.to_kind(Kind::BFloat16))).collect();
    Tensor::write_safetensors(&halves, file.path())?;
    let error = refused(&Weights::open(file.path())?);
    assert!(error.contains("12 tensors of another dtype"), "{error}");
    assert!(error.contains("is bf16 in the weights and f32 in the model"), "{error}");
    assert!(error.contains("and 2 more"), "{error}");
    assert!(error.contains("`.cast()`"), "{error}");
    let net = Net::convolutions(Device::Cpu);
    let report = Weights::open(file.path())?.cast().load(&net.vs)?;
    assert_eq!(report.cast.len(), 12);
    for (name, half) in halves {
        assert_eq!(net.variable(&name), half.to_kind(Kind::Float));
    }
    // An integer is no rounded float.
    let integers: Vec<_> = file
        .net
        .vs
        .variables()
        .into_iter()
        .map(|(name, it)| (name, it.to_kind(Kind::Int64)))
        .collect();
    Tensor::write_safetensors(&integers, file.path())?;
    assert!(refused(&Weights::open(file.path())?.cast()).contains("is i64 in the weights"));
    Ok(())
}

#[test]
fn old_names_of_norms_are_understood() -> Outcome {
    let file = File::new(|name| {
        let name = name.replace("bn.weight", "bn.gamma");
        Some(name.replace("bn.bias", "bn.beta"))
    });
    let net = Net::convolutions(Device::Cpu);
    let report = Weights::open(file.path())?.load(&net.vs)?;
    assert_moved(&Bits::of(&file.net.vs), &net, &[]);
    assert_eq!(report.renamed.len(), 4);
    let renamed = ("layer1.bn.weight".to_owned(), "layer1.bn.gamma".to_owned());
    assert!(report.renamed.contains(&renamed), "{report:?}");
    Ok(())
}

#[test]
fn a_tied_parameter_needs_one_of_its_names() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tied.safetensors");
    for names in [&["embed.weight"][..], &["head.weight"], &["embed.weight", "head.weight"]] {
        let stored: Vec<_> = names.iter().map(|name| (*name, Tensor::ones([3], CPU))).collect();
        Tensor::write_safetensors(&stored, &path)?;
        let vs = VarStore::new(Device::Cpu);
        let weight = (vs.root() / "embed").zeros("weight", &[3]);
        let _ = (vs.root() / "head").add("weight", weight.shallow_clone(), true);
        let report = Weights::open(&path)?.load(&vs)?;
        assert_eq!(report.loaded, ["embed.weight"]);
        assert_eq!(weight, Tensor::ones([3], CPU));
    }
    Ok(())
}

/// Two shards and their index.
fn shard(file: &File) -> PathBuf {
    let mut named: Vec<(String, Tensor)> = file.net.vs.variables().into_iter().collect();
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    fs::remove_file(file.path()).unwrap();
    let mut places = Vec::new();
    for (number, tensors) in named.chunks(7).enumerate() {
        let shard = format!("model-{number}.safetensors");
        Tensor::write_safetensors(tensors, file.folder.path().join(&shard)).unwrap();
        places.extend(tensors.iter().map(|(name, _)| format!("\"{name}\":\"{shard}\"")));
    }
    let index = file.folder.path().join("model.safetensors.index.json");
    fs::write(&index, format!("{{\"weight_map\":{{{}}}}}", places.join(","))).unwrap();
    index
}

#[test]
fn shards_are_read_by_their_index_or_their_folder() -> Outcome {
    let file = File::new(same);
    let index = shard(&file);
    for path in [index.as_path(), file.folder.path()] {
        let net = Net::convolutions(Device::Cpu);
        assert_eq!(Weights::open(path)?.load(&net.vs)?.loaded.len(), 12);
        assert_moved(&Bits::of(&file.net.vs), &net, &[]);
    }
    fs::remove_file(file.folder.path().join("model-1.safetensors")).unwrap();
    let error = Weights::open(&index).unwrap_err().to_string();
    assert!(error.contains("model-1.safetensors"), "{error}");
    Ok(())
}

#[test]
fn files_that_are_no_weights_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let opened = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let error = Weights::open(&path).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        error
    };
    let description = r#"{"format":1,"tensors":[]}"#;
    assert!(opened("net.model.json", description).contains("has no weights"));
    assert!(opened("pytorch_model.bin", "").contains("save_file"));
    assert!(opened("short.safetensors", "").contains("too short"));
    assert!(Weights::open("no/such.safetensors").unwrap_err().to_string().contains("no/such"));
}

fn cut(path: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

#[test]
fn a_file_that_is_cut_short_is_refused_before_anything_is_written() {
    let file = File::new(same);
    cut(&file.path(), 1);
    let error = Weights::open(file.path()).unwrap_err();
    assert!(matches!(error, Error::Weights(WeightsError::Files(_))), "{error}");
    assert!(error.to_string().contains("the file ends after"), "{error}");
}

#[test]
fn two_weights_with_one_name_are_named() -> Outcome {
    let file = File::new(same);
    let error = refused(&Weights::open(file.path())?.rename("layer1", "layer2"));
    assert!(error.starts_with("`layer1."), "{error}");
    assert!(error.contains("are both called `layer2."), "{error}");
    Ok(())
}

#[test]
fn a_variable_that_cannot_be_written_to_is_named_before_anything_is_written() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let stored = [("a", Tensor::ones([2, 3], CPU)), ("b", Tensor::ones([2, 3], CPU))];
    Tensor::write_safetensors(&stored, &path)?;
    let vs = VarStore::new(Device::Cpu);
    let a = vs.root().zeros("a", &[2, 3]);
    let _ = vs.root().add("b", Tensor::zeros([1, 3], CPU).expand([2, 3], false), false);
    let error = Weights::open(&path)?.load(&vs).unwrap_err().to_string();
    assert!(error.starts_with("elements of `b` share memory"), "{error}");
    assert_eq!(a, Tensor::zeros([2, 3], CPU));
    Ok(())
}
