//! Modules that know whether they are frozen: as tch's to the bit while they train, as in inference
//! while they are frozen.

use freeze_runtime::nn::{BatchNorm, batch_norm1d, batch_norm2d, batch_norm3d, dropout};
use freeze_runtime::{Error, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::{Bits, devices, parse};
use tch::nn::{self, BatchNormConfig, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Error>;

const SGD: &str = "default lr 0.1 optimizer sgd(momentum 0.9)";

/// `layer1` and `layer2` of a convolution and a norm each, then `fc`.
struct Net {
    vs: VarStore,
    layers: nn::SequentialT,
}

impl Net {
    fn new<N: ModuleT + 'static>(norm: impl Fn(nn::Path<'_>, i64) -> N) -> Self {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let root = vs.root();
        let convolution = |path: &nn::Path<'_>, inputs, outputs| {
            let config = nn::ConvConfig { bias: false, ..nn::ConvConfig::default() };
            nn::conv2d(path / "conv", inputs, outputs, 3, config)
        };
        let layers = nn::seq_t()
            .add(convolution(&(&root / "layer1"), 3, 4))
            .add(norm(&root / "layer1" / "bn", 4))
            .add_fn(Tensor::relu)
            .add(convolution(&(&root / "layer2"), 4, 5))
            .add(norm(&root / "layer2" / "bn", 5))
            .add_fn(|xs| xs.relu().mean_dim([2i64, 3].as_slice(), false, xs.kind()))
            .add(nn::linear(&root / "fc", 5, 3, nn::LinearConfig::default()));
        for (name, mut tensor) in vs.variables() {
            if tensor.requires_grad() {
                let seed = name.bytes().map(i64::from).sum();
                tch::no_grad(|| tensor.copy_(&(values(&tensor.size(), seed) - 0.3)));
            }
        }
        Self { vs, layers }
    }

    /// With norms that know whether they are frozen.
    fn ours() -> Self {
        Self::new(|path, channels| batch_norm2d(path, channels, BatchNormConfig::default()))
    }

    /// With tch's own.
    fn theirs() -> Self {
        Self::new(|path, channels| nn::batch_norm2d(path, channels, BatchNormConfig::default()))
    }

    fn forward(&self, batch: i64, train: bool) -> Tensor {
        let pixels = values(&[6, 3, 7, 7], batch) * 2 - 1;
        self.layers.forward_t(&pixels.to_device(self.vs.device()), train)
    }

    fn loss(&self, batch: i64) -> Tensor {
        let target = values(&[6, 3], 1000 + batch).to_device(self.vs.device());
        (self.forward(batch, true) - target).square().mean(None)
    }

    fn tune(&self, rules: &str) -> Result<Tuner, Error> {
        Tuner::builder(&parse(&format!("{SGD}; {rules}"))).attach(&self.vs)
    }

    /// The modules whose statistics a forward pass with `train` set moves, at once.
    fn moving(&self) -> Vec<String> {
        let before = Bits::of(&self.vs);
        let _ = self.forward(0, true);
        let after = Bits::of(&self.vs);
        let moved = before.moved(&after).into_iter();
        moved.filter_map(|name| Some(name.strip_suffix(".running_mean")?.to_owned())).collect()
    }
}

#[test]
fn the_same_variables_of_the_same_values_as_tch() {
    for affine in [true, false] {
        let config = BatchNormConfig {
            cudnn_enabled: false,
            eps: 1e-3,
            momentum: 0.3,
            affine,
            ws_init: nn::Init::Const(0.7),
            bs_init: nn::Init::Const(-0.2),
        };
        let [ours, theirs] = [VarStore::new(Device::Cpu), VarStore::new(Device::Cpu)];
        let (a, b) = (ours.root(), theirs.root());
        let ours_of = [
            batch_norm1d(&a / "1", 4, config),
            batch_norm2d(&a / "2", 4, config),
            batch_norm3d(&a / "3", 4, config),
        ];
        let theirs_of = [
            nn::batch_norm1d(&b / "1", 4, config),
            nn::batch_norm2d(&b / "2", 4, config),
            nn::batch_norm3d(&b / "3", 4, config),
        ];
        assert_eq!(Bits::of(&ours), Bits::of(&theirs));
        assert_eq!(ours.trainable_variables().len(), if affine { 6 } else { 0 });
        let shapes: [&[i64]; 3] = [&[5, 4], &[5, 4, 2, 3], &[5, 4, 2, 3, 2]];
        for ((ours, theirs), shape) in ours_of.iter().zip(&theirs_of).zip(shapes) {
            let xs = values(shape, 1);
            for train in [true, false] {
                assert_eq!(bits(&ours.forward_t(&xs, train)), bits(&theirs.forward_t(&xs, train)));
            }
        }
        assert_eq!(Bits::of(&ours), Bits::of(&theirs));
    }
}

#[test]
fn while_they_train_they_are_tch_s_to_the_bit() -> Outcome {
    let (ours, theirs) = (Net::ours(), Net::theirs());
    assert_eq!(Bits::of(&ours.vs), Bits::of(&theirs.vs));
    let rules = "start: train @all; epoch 1: freeze layer1.conv";
    let (mut our_tuner, mut their_tuner) = (ours.tune(rules)?, theirs.tune(rules)?);
    for _ in 0..2 {
        our_tuner.start_epoch()?;
        their_tuner.start_epoch()?;
        for batch in 0..4 {
            let (our_loss, their_loss) = (ours.loss(batch), theirs.loss(batch));
            assert_eq!(bits(&our_loss), bits(&their_loss));
            our_tuner.backward_step(&our_loss)?;
            their_tuner.backward_step(&their_loss)?;
        }
        assert_eq!(Bits::of(&ours.vs), Bits::of(&theirs.vs));
    }
    assert_eq!(bits(&ours.forward(9, false)), bits(&theirs.forward(9, false)));
    Ok(())
}

#[test]
fn while_they_are_frozen_they_are_as_in_inference_and_each_rule_switches_them() -> Outcome {
    let net = Net::ours();
    let rules = "start: train @all; epoch 1: train fc; epoch 2: unfreeze layer2.bn.bias;
                 epoch 3: set @all stats held; epoch 4: set layer1 stats live";
    let mut tuner = net.tune(rules)?;
    assert_eq!(net.moving(), ["layer1.bn", "layer2.bn"]);
    for moving in [&["layer1.bn", "layer2.bn"][..], &[], &["layer2.bn"], &[], &["layer1.bn"]] {
        tuner.start_epoch()?;
        assert_eq!(net.moving(), moving);
        assert_eq!(
            bits(&net.forward(1, true)) == bits(&net.forward(1, false)),
            moving.is_empty(),
            "{moving:?}"
        );
        tuner.backward_step(&net.loss(1))?;
    }
    Ok(())
}

#[test]
fn a_rule_that_fires_after_a_step_switches_them_for_the_next_forward_pass() -> Outcome {
    let net = Net::ours();
    let mut tuner = net.tune("start: train fc; step 2: unfreeze layer1; step 3: freeze layer1")?;
    tuner.start_epoch()?;
    for moving in [&[][..], &[], &["layer1.bn"], &[]] {
        assert_eq!(net.moving(), moving);
        tuner.backward_step(&net.loss(0))?;
    }
    Ok(())
}

#[test]
fn with_held_statistics_weight_and_bias_still_train() -> Outcome {
    let net = Net::ours();
    let mut tuner = net.tune("start: train layer2.bn stats held, train fc")?;
    tuner.start_epoch()?;
    let before = Bits::of(&net.vs);
    for batch in 0..3 {
        tuner.backward_step(&net.loss(batch))?;
    }
    let after = Bits::of(&net.vs);
    let moved = before.moved(&after);
    assert_eq!(moved, ["fc.bias", "fc.weight", "layer2.bn.bias", "layer2.bn.weight"]);
    Ok(())
}

#[test]
fn a_norm_without_parameters_is_frozen_with_the_module_around_it() -> Outcome {
    let plain = BatchNormConfig { affine: false, ..Default::default() };
    let net = Net::new(|path, channels| batch_norm2d(path, channels, plain));
    let mut tuner = net.tune("start: train layer2; epoch 1: train layer1, fc")?;
    for moving in ["layer2.bn", "layer1.bn"] {
        tuner.start_epoch()?;
        assert_eq!(net.moving(), [moving]);
        tuner.backward_step(&net.loss(0))?;
    }
    Ok(())
}

#[test]
fn what_else_moves_held_statistics_is_restored() -> Outcome {
    let net = Net::ours();
    let mut tuner = net.tune("start: train fc")?;
    tuner.start_epoch()?;
    let before = Bits::of(&net.vs);
    let mut mean = net.vs.variables().remove("layer1.bn.running_mean").unwrap();
    let _ = mean.fill_(3.0);
    // An own normalisation over the model's statistics.
    let variables = net.vs.variables();
    let (mean, var) = (&variables["layer2.bn.running_mean"], &variables["layer2.bn.running_var"]);
    let none = None::<Tensor>;
    let xs = values(&[6, 5], 1);
    let _ =
        xs.batch_norm(none.as_ref(), none.as_ref(), Some(mean), Some(var), true, 0.1, 0.1, true);
    let after = Bits::of(&net.vs);
    assert_eq!(before.moved(&after).len(), 3);
    tuner.zero_grad()?;
    assert_eq!(before, Bits::of(&net.vs));
    Ok(())
}

#[test]
fn two_models_of_the_same_names_do_not_mix() -> Outcome {
    let (teacher, student, third) = (Net::ours(), Net::ours(), Net::ours());
    let mut tuner = student.tune("start: train fc; epoch 1: train layer1")?;
    let mut other = third.tune("start: train layer2")?;
    tuner.start_epoch()?;
    other.start_epoch()?;
    let both = ["layer1.bn", "layer2.bn"];
    assert_eq!(teacher.moving(), both);
    assert!(student.moving().is_empty());
    assert_eq!(third.moving(), ["layer2.bn"]);
    tuner.start_epoch()?;
    let mut teacher = teacher;
    teacher.vs.copy(&student.vs)?;
    assert_eq!(bits(&teacher.forward(0, false)), bits(&student.forward(0, false)));
    assert_eq!(teacher.moving(), both);
    assert_eq!(student.moving(), ["layer1.bn"]);
    assert_eq!(third.moving(), ["layer2.bn"]);
    Ok(())
}

#[test]
fn without_a_tuner_the_program_s_own_flag_rules() -> Outcome {
    let net = Net::ours();
    let both = ["layer1.bn", "layer2.bn"];
    assert_eq!(net.moving(), both);
    let mut tuner = net.tune("start: train fc")?;
    tuner.start_epoch()?;
    assert!(net.moving().is_empty());
    drop(tuner);
    assert_eq!(net.moving(), both);
    Ok(())
}

#[test]
fn the_newest_tuner_rules_whenever_the_one_before_it_goes() -> Outcome {
    let net = Net::ours();
    let mut first = net.tune("start: train fc")?;
    first.start_epoch()?;
    let mut second = net.tune("start: train layer1")?;
    assert_eq!(net.moving(), ["layer1.bn", "layer2.bn"]);
    second.start_epoch()?;
    assert_eq!(net.moving(), ["layer1.bn"]);
    drop(first);
    assert_eq!(net.moving(), ["layer1.bn"]);
    second = net.tune("start: train layer2")?;
    second.start_epoch()?;
    assert_eq!(net.moving(), ["layer2.bn"]);

    // One that is refused, however late, leaves the other in charge.
    assert!(net.tune("start: train layer9").is_err());
    let same_memory = net.vs.variables()["fc.weight"].detach();
    let _alias = net.vs.root().add("alias", same_memory, true);
    assert!(matches!(net.tune("start: train fc"), Err(Error::Ownership(_))));
    assert_eq!(net.moving(), ["layer2.bn"]);
    Ok(())
}

#[test]
fn a_new_norm_is_never_taken_for_one_that_is_gone() -> Outcome {
    let mut tuners = Vec::new();
    for round in 0..40 {
        let net = Net::ours();
        assert_eq!(net.moving(), ["layer1.bn", "layer2.bn"], "{round}");
        let mut tuner = net.tune("start: train fc")?;
        tuner.start_epoch()?;
        assert!(net.moving().is_empty());
        match round % 4 {
            0 => tuners.push(tuner),
            1 => tuners.clear(),
            2 => drop(net),
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn a_model_that_was_loaded_or_went_elsewhere_is_the_same_model() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.safetensors");
    Net::theirs().vs.save(&file)?;
    for device in devices() {
        let mut net = Net::ours();
        net.vs.load(&file)?;
        net.vs.set_device(device);
        let mut tuner = net.tune("start: train layer2")?;
        tuner.start_epoch()?;
        assert_eq!(net.moving(), ["layer2.bn"]);
        assert_eq!(net.forward(0, true).device(), device);
        tuner.backward_step(&net.loss(0))?;
        net.vs.load(&file)?;
        assert_eq!(net.moving(), ["layer2.bn"]);
    }
    Ok(())
}

#[test]
fn a_forward_pass_on_another_thread_is_as_frozen() -> Outcome {
    let net = Net::ours();
    let mut tuner = net.tune("start: train layer2; epoch 1: unfreeze layer1")?;
    tuner.start_epoch()?;
    let net = std::thread::spawn(move || {
        assert_eq!(net.moving(), ["layer2.bn"]);
        net
    });
    let net = net.join().unwrap();
    tuner.start_epoch()?;
    std::thread::spawn(move || assert_eq!(net.moving(), ["layer1.bn", "layer2.bn"]))
        .join()
        .unwrap();
    Ok(())
}

#[test]
fn a_norm_returns_whether_it_is_held_and_its_tensors() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let norm: BatchNorm = batch_norm1d(vs.root() / "bn", 4, BatchNormConfig::default());
    let _fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
    assert!(norm.ws.as_ref().is_some_and(Tensor::requires_grad));
    assert!(!norm.is_frozen());
    let policy = parse(&format!("{SGD}; start: train fc"));
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    assert!(!norm.is_frozen());
    tuner.start_epoch()?;
    assert!(norm.is_frozen());
    drop(tuner);
    assert!(!norm.is_frozen());
    Ok(())
}

#[test]
fn dropout_drops_while_anything_trains_that_it_belongs_to() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let linear = |name: &str| nn::linear(vs.root() / name, 4, 4, nn::LinearConfig::default());
    let (a, b, _c) = (linear("a"), linear("b"), linear("c"));
    let both = dropout(0.5, [&a.ws, &b.ws]);
    let nobody = dropout(0.5, None::<Tensor>);
    let ones = Tensor::ones([40, 50], (Kind::Float, Device::Cpu));
    let zeros = |dropout: &dyn ModuleT, train| {
        let dropped = dropout.forward_t(&ones, train).eq(0.0).sum(Kind::Int64);
        dropped.int64_value(&[])
    };
    let about_half = 900..1100;

    let ours = both.forward_t(&ones, true);
    assert!(f64::try_from((ours.eq(0.0) + ours.eq(2.0)).min()).unwrap() > 0.0);

    let policy =
        format!("{SGD}; start: train a; epoch 1: train b.weight; epoch 2: train c, b.bias");
    let mut tuner = Tuner::builder(&parse(&policy)).attach(&vs)?;
    for is_frozen in [false, false, true] {
        tuner.start_epoch()?;
        assert_eq!(both.is_frozen(), is_frozen);
        assert_eq!(about_half.contains(&zeros(&both, true)), !is_frozen);
        assert_eq!(bits(&both.forward_t(&ones, true)) == bits(&ones), is_frozen);
        assert_eq!(zeros(&both, false), 0);
        assert!(about_half.contains(&zeros(&nobody, true)));
    }
    Ok(())
}
