//! A run that is stopped anywhere and resumed has the bits of the run that was not stopped.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use freeze_runtime::nn::{batch_norm2d, dropout};
use freeze_runtime::{ParamGroup, Transition, Tuner};
use freeze_tests::networks::values;
use freeze_tests::parse;
use tch::nn::{self, BatchNormConfig, ConvConfig, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn Error>>;

const EPOCHS: u64 = 10;
const STEPS: u64 = 20;

/// Everything that a checkpoint must hold. The loss that decides depends on every bit.
const POLICY: &str = "
    run 10 epochs;
    default lr 0.02 weight_decay 0.01 optimizer sgd(momentum 0.9 nesterov);
    let @parts = [embed, conv1, conv2, (bn1, bn2), fc];
    start as warm: train @all lr linear 0.001 -> 0.02 over 12 steps;
    step 15 as many:
        set conv1, bn1 optimizer adam(amsgrad) lr 0.01,
        set conv2, bn2 optimizer rmsprop(momentum 0.5 centered) lr cosine 0.01 -> 1e-4 over 60 steps,
        set fc optimizer adamw(beta1 linear 0.95 -> 0.8 over 40 steps) anchor 0.5
            weight_decay linear 0 -> 0.1 over 50 steps lr linear 0.02 -> 0.001 over 30 steps then exp 0.01 -> 0.001 over 2 epochs,
        set embed optimizer rmsprop lr 0.005, set embed anchor 0.1 lr * 0.5 to 1e-3;
    step 31 as fewer: freeze conv1 keep state, freeze bn1 stats held, reset fc,
        unfreeze rows 2..7 of embed.weight, rows 2..7 of embed.tied lr 0.01 times 0.5 every 9 steps to 1e-3;
    every 7 steps as drawn: train sample 3 of @parts seed 5, set bn2 stats live;
    when loss stops falling for 1 epochs or step 90 as back:
        restore lowest loss, train conv1, bn1, fc optimizer adam,
        unfreeze rows 0..4 of embed.weight, rows 0..4 of embed.tied optimizer sgd(momentum 0.9);
    after 1 epoch or every 11 steps as rises:
        restore highest score, unfreeze conv2 lr linear 0.004 -> 0 over 8 steps repeat stretching 1.5;
    when score < 1e9 for 7 epochs as late: freeze embed, set fc lr linear 0.01 -> 0 over 30% then freeze;
    at 95% as last: freeze fc, unfreeze bn2 stats held";

/// An embedding whose weight is used twice, two convolutions with normalisations of either kind,
/// dropout, and a layer on top.
struct Net {
    vs: VarStore,
    embed: Tensor,
    layers: nn::SequentialT,
}

impl Net {
    fn new() -> Self {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let root = vs.root();
        let embed = root.sub("embed").add("weight", values(&[9, 5], 1) - 0.5, true);
        let _ = root.sub("embed").add("tied", embed.shallow_clone(), true);
        let config = ConvConfig { padding: 1, bias: false, ..ConvConfig::default() };
        let conv1 = nn::conv2d(&root / "conv1", 1, 3, 3, config);
        let bn1 = nn::batch_norm2d(&root / "bn1", 3, BatchNormConfig::default());
        let conv2 = nn::conv2d(&root / "conv2", 3, 4, 3, config);
        let bn2 = batch_norm2d(&root / "bn2", 4, BatchNormConfig::default());
        let drop = dropout(0.3, [&conv2.ws]);
        let fc = nn::linear(&root / "fc", 4, 5, nn::LinearConfig::default());
        for (seed, (name, mut tensor)) in (7..).zip(BTreeMap::from_iter(vs.variables())) {
            if tensor.requires_grad() && !name.contains("bn") {
                tch::no_grad(|| tensor.copy_(&(values(&tensor.size(), seed) - 0.5)));
            }
        }
        let layers = nn::seq_t()
            .add(conv1)
            .add(bn1)
            .add_fn(Tensor::relu)
            .add(conv2)
            .add(bn2)
            .add(drop)
            .add_fn(|xs| xs.mean_dim([2_i64, 3].as_slice(), false, xs.kind()))
            .add(fc);
        Self { vs, embed, layers }
    }

    fn loss(&self, batch: u64, part: i64) -> Tensor {
        let seed = i64::try_from(batch).unwrap_or_default() * 2 + part;
        let words = (values(&[6, 5], seed) * 9).to_kind(Kind::Int64);
        let image = Tensor::embedding(&self.embed, &words, -1, false, false).unsqueeze(1);
        let logits = self.layers.forward_t(&image, true).matmul(&self.embed.tr());
        let classes = (values(&[6], seed + 1) * 9).to_kind(Kind::Int64);
        logits.cross_entropy_for_logits(&classes)
    }

    fn tuner(&self) -> Result<Tuner, freeze_runtime::Error> {
        let policy = parse(POLICY);
        let builder = Tuner::builder(&policy).optimizer(nn::Sgd::default()).lr(0.5);
        builder.steps_per_epoch(20).attach(&self.vs)
    }
}

/// What a program sees of a run.
#[derive(Debug, PartialEq, Default)]
struct Seen {
    changes: Vec<Transition>,
    groups: Vec<Vec<ParamGroup>>,
}

/// A step: two backward passes, clipped together. Then the epoch's end and the next one's start,
/// where it is one, and a forward pass of which nothing comes.
fn step(net: &Net, tuner: &mut Tuner, seen: &mut Seen) -> Result<(), Box<dyn Error>> {
    let batch = tuner.global_step();
    tuner.zero_grad()?;
    net.loss(batch, 0).backward();
    net.loss(batch, 1).backward();
    if batch.is_multiple_of(3) {
        tuner.clip_grad_value(0.2)?;
    }
    tuner.clip_grad_norm(0.5)?;
    seen.changes.push(tuner.step()?);
    seen.groups.push(tuner.param_groups());
    if tuner.global_step().is_multiple_of(STEPS) {
        let loss = tch::no_grad(|| net.loss(1000, 0)).double_value(&[]);
        tuner.observe("loss", loss)?;
        tuner.observe("score", loss.sin())?;
        seen.changes.push(tuner.start_epoch()?);
    }
    // It makes held statistics drift until the tuner is called again.
    let _ = tch::no_grad(|| net.loss(500, 0));
    Ok(())
}

/// What is in the files of a checkpoint.
fn files(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir.join("checkpoint"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read(entry.path())?);
    }
    assert_eq!(files.len(), 7);
    Ok(files)
}

/// Twenty different steps, in no order.
fn stops() -> Vec<u64> {
    let mut all: Vec<u64> = (0..EPOCHS * STEPS).collect();
    let mut state = 0x9E37_79B9_u64;
    let mut stops = Vec::new();
    for _ in 0..20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let place = usize::try_from(state >> 33).unwrap_or_default() % all.len();
        stops.push(all.swap_remove(place));
    }
    stops
}

#[test]
fn a_run_that_is_stopped_anywhere_has_the_bits_of_the_one_that_is_not() -> Outcome {
    let root = tempfile::tempdir()?;
    let at = |step: u64| root.path().join(step.to_string());
    let stops = stops();

    tch::manual_seed(11);
    let net = Net::new();
    let mut tuner = net.tuner()?;
    tuner.log_to(root.path().join("whole.jsonl"))?;
    let mut whole = Seen::default();
    // How much was seen at each stop.
    let mut before = BTreeMap::new();
    whole.changes.push(tuner.start_epoch()?);
    while tuner.global_step() < EPOCHS * STEPS {
        if stops.contains(&tuner.global_step()) {
            tuner.save(at(tuner.global_step()))?;
            before.insert(tuner.global_step(), (whole.changes.len(), whole.groups.len()));
        }
        step(&net, &mut tuner, &mut whole)?;
    }
    let end = root.path().join("end");
    tuner.save(&end)?;
    let end = files(&end)?;
    let fired: Vec<&str> =
        whole.changes.iter().flat_map(|change| &change.fired).map(String::as_str).collect();
    for rule in ["warm", "many", "fewer", "drawn", "back", "rises", "late", "last"] {
        assert!(fired.contains(&rule), "{rule}: {fired:?}");
    }
    assert!(fired.iter().filter(|rule| **rule == "drawn").count() > 3, "{fired:?}");
    assert!(whole.changes.iter().flat_map(|change| &change.restored).count() > 2);
    assert_eq!(before.len(), 20);
    assert!(before.keys().filter(|step| !step.is_multiple_of(STEPS)).count() > 10);

    for (stop, (changes, groups)) in &before {
        tch::manual_seed(12);
        let net = Net::new();
        let mut tuner = net.tuner()?;
        tuner.resume(at(*stop))?;
        // What was saved is all there is: saved again, it is the same.
        let again = root.path().join("again");
        tuner.save(&again)?;
        assert!(files(&again)? == files(&at(*stop))?, "step {stop}");
        let mut seen = Seen::default();
        while tuner.global_step() < EPOCHS * STEPS {
            step(&net, &mut tuner, &mut seen)?;
        }
        assert!(seen.changes == whole.changes[*changes..], "step {stop}");
        assert!(seen.groups == whole.groups[*groups..], "step {stop}");
        tuner.save(&again)?;
        for (name, bytes) in files(&again)? {
            assert!(end[&name] == bytes, "{name} differs, resumed at step {stop}");
        }
    }

    // And one that is stopped each time.
    let chain = root.path().join("chain");
    let mut stops: Vec<u64> = stops;
    stops.sort_unstable();
    stops.push(EPOCHS * STEPS);
    for stop in stops {
        tch::manual_seed(11);
        let net = Net::new();
        let mut tuner = net.tuner()?;
        tuner.log_to(root.path().join("chain.jsonl"))?;
        if chain.exists() {
            tuner.resume(&chain)?;
        } else {
            tuner.start_epoch()?;
        }
        while tuner.global_step() < stop {
            step(&net, &mut tuner, &mut Seen::default())?;
        }
        tuner.save(&chain)?;
    }
    assert!(files(&chain)? == end);
    drop(tuner);
    let log = |name: &str| fs::read_to_string(root.path().join(name));
    assert_eq!(log("chain.jsonl")?, log("whole.jsonl")?);
    Ok(())
}
