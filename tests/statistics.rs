//! Running statistics of what is frozen stand still, though every training forward pass would
//! move them; the others follow the data.

use freeze_runtime::{Error, Tuner};
use freeze_tests::networks::{FC, LAYER2, STATISTICS1, STATISTICS2};
use freeze_tests::{Bits, Net, assert_moved, bits, parse, train, tune};
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Tensor};

type Outcome = Result<(), Error>;

/// A call to a tuner.
type Call = fn(&mut Tuner) -> Outcome;

/// Every call after which what is held must be what it was.
const CALLS: [(&str, Call); 5] = [
    ("zero_grad", |tuner| tuner.zero_grad()),
    ("step", |tuner| tuner.step().map(drop)),
    ("start_epoch", |tuner| tuner.start_epoch().map(drop)),
    ("observe", |tuner| tuner.observe("loss", 1.0)),
    ("restore_frozen_stats", Tuner::restore_frozen_stats),
];

#[test]
fn held_statistics_are_back_after_the_next_call_whatever_it_is() -> Outcome {
    for (name, call) in CALLS {
        println!("{name}");
        let net = Net::convolutions(Device::Cpu);
        let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train layer2");
        tuner.start_epoch()?;
        let before = Bits::of(&net.vs);
        for batch in 0..3 {
            let _ = net.activations(batch);
        }
        assert_moved(&before, &net, &[&STATISTICS1, &STATISTICS2]);
        call(&mut tuner)?;
        assert_moved(&before, &net, &[&STATISTICS2]);
    }
    Ok(())
}

#[test]
fn statistics_stay_as_they_were_when_their_module_froze_and_go_on_from_there() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tune(
        &net,
        "default lr 0.1 optimizer sgd;
         start: train @all; epoch 1: freeze layer1; epoch 2: unfreeze layer1",
    );
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..3)?;
    // The forward pass is one of the epoch that ends, and counts.
    let mean = net.variable("layer1.bn.running_mean").copy();
    let _ = net.activations(3);
    let before = Bits::of(&net.vs);
    assert_ne!(net.variable("layer1.bn.running_mean"), mean);
    tuner.start_epoch()?;
    train(&net, &mut tuner, 4..7)?;
    assert_moved(&before, &net, &[&LAYER2, &STATISTICS2, &FC]);

    tuner.start_epoch()?;
    let before = net.variable("layer1.bn.running_mean").copy();
    let weight = net.variable("layer1.conv.weight");
    let pixels = net.input(7).conv2d(&weight, None::<Tensor>, 1, 1, 1, 1);
    let expected = before * 0.9 + pixels.mean_dim([0i64, 2, 3].as_slice(), false, None) * 0.1;
    let _ = net.activations(7);
    let off = net.variable("layer1.bn.running_mean") - expected;
    assert!(off.abs().max().double_value(&[]) < 1e-6);
    Ok(())
}

/// A model that is no chain of layers: normalisations with and without parameters of their own.
struct Norms {
    vs: VarStore,
    layers: nn::SequentialT,
}

impl Norms {
    fn new() -> Self {
        let vs = VarStore::new(Device::Cpu);
        let root = vs.root();
        let plain = nn::BatchNormConfig { affine: false, ..nn::BatchNormConfig::default() };
        let block = &root / "block";
        let layers = nn::seq_t()
            .add(nn::linear(&block / "linear", 4, 4, nn::LinearConfig::default()))
            .add(nn::batch_norm1d(&block / "norm", 4, plain))
            .add(nn::batch_norm1d(&root / "own", 4, nn::BatchNormConfig::default()))
            .add(nn::linear(&root / "fc", 4, 2, nn::LinearConfig::default()))
            .add(nn::batch_norm1d(&root / "last", 2, plain));
        Self { vs, layers }
    }

    /// The statistics that a policy's first rule lets follow the data.
    fn live_under(rules: &str) -> Result<Vec<String>, Error> {
        let norms = Self::new();
        let policy = parse(&format!("default lr 0.1 optimizer sgd; {rules}"));
        let mut tuner = Tuner::builder(&policy).attach(&norms.vs)?;
        tuner.start_epoch()?;
        let before = Bits::of(&norms.vs);
        let x = Tensor::arange(20, (tch::Kind::Float, Device::Cpu)).view([5, 4]).sin();
        let _ = norms.layers.forward_t(&x, true);
        tuner.zero_grad()?;
        let moved = before.moved(&Bits::of(&norms.vs)).into_iter();
        Ok(moved.filter_map(|name| Some(name.strip_suffix(".running_mean")?.to_owned())).collect())
    }
}

#[test]
fn statistics_follow_the_data_while_a_parameter_of_their_module_trains() -> Outcome {
    assert_eq!(Norms::live_under("start: train own")?, ["last", "own"]);
    assert_eq!(Norms::live_under("start: train own.bias")?, ["last", "own"]);
    assert_eq!(Norms::live_under("start: train @all")?, ["block.norm", "last", "own"]);
    assert_eq!(Norms::live_under("start: freeze own")?, ["block.norm", "last"]);
    Ok(())
}

#[test]
fn a_norm_without_parameters_belongs_to_the_module_around_it() -> Outcome {
    assert_eq!(Norms::live_under("start: train block")?, ["block.norm", "last"]);
    assert_eq!(Norms::live_under("start: train block.linear.bias")?, ["block.norm", "last"]);
    assert_eq!(Norms::live_under("start: train fc")?, ["last"]);
    Ok(())
}

#[test]
fn a_program_that_validates_between_steps_sees_what_is_held() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train fc");
    tuner.start_epoch()?;
    let before = bits::bits(&net.features());
    train(&net, &mut tuner, 0..3)?;
    assert_eq!(bits::bits(&net.features()), before);
    Ok(())
}

#[test]
fn a_program_that_validates_after_a_forward_pass_restores_held_ones_first() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train fc");
    tuner.start_epoch()?;
    let before = bits::bits(&net.features());
    let _ = net.loss(0);
    assert_ne!(bits::bits(&net.features()), before);
    tuner.restore_frozen_stats()?;
    assert_eq!(bits::bits(&net.features()), before);
    Ok(())
}

#[test]
fn the_backward_pass_of_an_evaluation_in_between_reads_what_its_forward_pass_read() -> Outcome {
    let norms = Norms::new();
    let policy = parse("default lr 0.1 optimizer sgd; start: train fc");
    let mut tuner = Tuner::builder(&policy).attach(&norms.vs)?;
    tuner.start_epoch()?;
    let x = Tensor::arange(20, (tch::Kind::Float, Device::Cpu)).view([5, 4]).sin();
    let gradient = |tuner: &mut Tuner, puts_back: [bool; 2]| -> Result<Tensor, Error> {
        let _ = norms.layers.forward_t(&x, true);
        if puts_back[0] {
            tuner.restore_frozen_stats()?;
        }
        let x = x.copy().set_requires_grad(true);
        let [weight, bias, mean, var] = ["weight", "bias", "running_mean", "running_var"]
            .map(|name| norms.vs.variables().remove(&format!("own.{name}")));
        let y = x.batch_norm(weight, bias, mean, var, false, 0.1, 1e-5, false);
        if puts_back[1] {
            tuner.restore_frozen_stats()?;
        }
        let outcome = y.sum(None).f_backward();
        tuner.restore_frozen_stats()?;
        outcome?;
        Ok(x.grad())
    };
    let right = gradient(&mut tuner, [true, false])?;
    assert_ne!(gradient(&mut tuner, [false, false])?, right);
    assert_eq!(gradient(&mut tuner, [true, true])?, right);
    let error = gradient(&mut tuner, [false, true]).unwrap_err().to_string();
    assert!(error.contains("modified by an inplace operation"), "{error}");
    Ok(())
}

/// A norm that is held, over inputs of shape `(N, C)` or `(N, C, H, W)`.
struct HeldNorm {
    vs: VarStore,
    x: Tensor,
    norm: nn::BatchNorm,
    tuner: Tuner,
}

impl HeldNorm {
    fn new(shape: &[i64]) -> Result<Self, Error> {
        let vs = VarStore::new(Device::Cpu);
        let make = if shape.len() == 2 { nn::batch_norm1d } else { nn::batch_norm2d };
        let norm = make(vs.root() / "norm", 3, nn::BatchNormConfig::default());
        let _ = vs.root().ones("fc", &[1]);
        let policy = parse("default lr 0.1 optimizer sgd; start: train fc");
        let mut tuner = Tuner::builder(&policy).attach(&vs)?;
        tuner.start_epoch()?;
        let x = Tensor::arange(shape.iter().product::<i64>(), (tch::Kind::Float, Device::Cpu));
        let x = x.view(shape).sin().set_requires_grad(true);
        Ok(Self { vs, x, norm, tuner })
    }

    /// A loss whose gradient depends on the statistics in more than one way.
    fn loss(&self, train: bool) -> Tensor {
        self.norm.forward_t(&self.x, train).square().sum(None)
    }

    /// The gradient of the input by a loss, from an empty one.
    fn gradient(&mut self, loss: &Tensor) -> Result<Tensor, Error> {
        self.x.zero_grad();
        loss.f_backward()?;
        Ok(self.x.grad().copy())
    }
}

#[test]
fn an_evaluation_pass_in_a_graph_has_the_right_gradient_or_libtorchs_error() -> Outcome {
    for shape in [&[6, 3][..], &[6, 3, 2, 2]] {
        for (name, call) in CALLS {
            println!("{name} {shape:?}");
            let mut held = HeldNorm::new(shape)?;
            let loss = held.loss(false);
            let right = held.gradient(&loss)?;
            let loss = held.loss(true);
            let in_training = held.gradient(&loss)?;
            call(&mut held.tuner)?;

            // Before a training pass, after it, and without one.
            let [before, training, after] = [held.loss(false), held.loss(true), held.loss(false)];
            call(&mut held.tuner)?;
            let alone = held.loss(false);
            call(&mut held.tuner)?;
            assert_eq!(held.gradient(&before)?, right);
            assert_eq!(held.gradient(&training)?, in_training);
            assert_eq!(held.gradient(&alone)?, right);
            let error = held.gradient(&after).unwrap_err().to_string();
            assert!(error.contains("modified by an inplace operation"), "{error}");
        }
    }
    Ok(())
}

#[test]
fn backward_step_has_the_right_gradient_of_an_evaluation_pass_or_libtorchs_error() -> Outcome {
    for shape in [&[6, 3][..], &[6, 3, 2, 2]] {
        let mut held = HeldNorm::new(shape)?;
        let loss = held.loss(false);
        let right = held.gradient(&loss)?;
        held.x.zero_grad();
        let [before, _, after] = [held.loss(false), held.loss(true), held.loss(false)];
        held.tuner.backward_step(&before)?;
        assert_eq!(held.x.grad(), right);
        let steps = held.tuner.global_step();
        let error = held.tuner.backward_step(&after).unwrap_err().to_string();
        assert!(error.contains("modified by an inplace operation"), "{error}");
        assert_eq!(held.tuner.global_step(), steps);
    }
    Ok(())
}

#[test]
fn a_norm_written_by_hand_has_the_right_gradient_or_libtorchs_error() -> Outcome {
    let mut held = HeldNorm::new(&[6, 3])?;
    let [mean, var] = ["norm.running_mean", "norm.running_var"]
        .map(|name| held.vs.variables().remove(name).expect("the norm has it"));
    let evaluated = |x: &Tensor| ((x - &mean) * &var).square().sum(None);
    let loss = evaluated(&held.x);
    let right = held.gradient(&loss)?;
    // Nothing has moved them: restoring is no change.
    let loss = evaluated(&held.x);
    held.tuner.zero_grad()?;
    assert_eq!(held.gradient(&loss)?, right);
    tch::no_grad(|| {
        for statistic in [&mean, &var] {
            let _ = statistic.shallow_clone().g_mul_scalar_(0.5);
        }
    });
    let loss = evaluated(&held.x);
    held.tuner.zero_grad()?;
    let error = held.gradient(&loss).unwrap_err().to_string();
    assert!(error.contains("modified by an inplace operation"), "{error}");
    Ok(())
}

#[test]
fn putting_statistics_back_does_not_spoil_the_gradients_of_the_pass_that_moved_them() -> Outcome {
    let gradient = |call: Call| -> Result<Tensor, Error> {
        let net = Net::convolutions(Device::Cpu);
        let policy = "default lr 0.1 optimizer sgd; start: train layer1, fc";
        let mut tuner = tune(&net, policy);
        tuner.start_epoch()?;
        let loss = net.loss(0);
        call(&mut tuner)?;
        loss.backward();
        Ok(net.variable("layer1.conv.weight").grad())
    };
    let undisturbed = gradient(|_| Ok(()))?;
    for (name, call) in CALLS {
        assert_eq!(gradient(call)?, undisturbed, "{name}");
    }
    assert!(undisturbed.norm().double_value(&[]) > 0.0);
    Ok(())
}

#[test]
fn weights_that_are_loaded_after_attach_and_before_the_first_epoch_are_those_that_count() -> Outcome
{
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pretrained.safetensors");
    let pretrained = Net::convolutions(Device::Cpu);
    for batch in 0..3 {
        let _ = pretrained.activations(batch);
    }
    pretrained.vs.save(&file)?;
    let policy = "default lr 0.1 optimizer sgd; start: train fc; epoch 1: restore lowest loss";
    let nets = [true, false].map(|is_before| -> Result<Net, Error> {
        let mut net = Net::convolutions(Device::Cpu);
        if is_before {
            net.vs.load(&file)?;
        }
        let mut tuner = tune(&net, policy);
        if !is_before {
            net.vs.load(&file)?;
        }
        tuner.start_epoch()?;
        tuner.observe("loss", 1.0)?;
        train(&net, &mut tuner, 0..3)?;
        tuner.start_epoch()?;
        Ok(net)
    });
    let [before, after] = nets;
    assert_moved(&Bits::of(&pretrained.vs), &before?, &[]);
    assert_moved(&Bits::of(&pretrained.vs), &after?, &[]);
    Ok(())
}

#[test]
fn weights_that_are_loaded_in_the_middle_count_for_a_tuner_that_is_attached_after_that() -> Outcome
{
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("others.safetensors");
    let others = Net::convolutions(Device::Cpu);
    let _ = others.activations(0);
    others.vs.save(&file)?;
    let mut net = Net::convolutions(Device::Cpu);
    let policy = "default lr 0.1 optimizer sgd; start: train fc";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    net.vs.load(&file)?;
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..3)?;
    assert_moved(&Bits::of(&others.vs), &net, &[&FC]);
    Ok(())
}

#[test]
fn a_resume_that_is_refused_puts_held_ones_back() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tune(&net, "default optimizer sgd lr 0.1; start: train fc");
    tuner.start_epoch()?;
    let before = Bits::of(&net.vs);
    let _ = net.loss(0);
    assert_moved(&before, &net, &[&STATISTICS1, &STATISTICS2]);
    assert!(tuner.resume("there is none").is_err());
    assert_moved(&before, &net, &[]);
    Ok(())
}

#[test]
fn a_norm_whose_names_tch_made_unique_is_held() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let (root, path) = (vs.root(), vs.root() / "bn");
    let norm = || nn::batch_norm1d(&path, 4, nn::BatchNormConfig::default());
    let layers = nn::seq_t().add(norm()).add(norm()).add(nn::linear(
        &root / "fc",
        4,
        2,
        nn::LinearConfig::default(),
    ));
    let policy = parse("default lr 0.1 optimizer sgd; start: train fc");
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    let before = Bits::of(&vs);
    let _ = layers.forward_t(&Tensor::randn([8, 4], (tch::Kind::Float, Device::Cpu)), true);
    tuner.restore_frozen_stats()?;
    let after = Bits::of(&vs);
    let unique: Vec<String> =
        vs.variables().into_keys().filter(|name| name.starts_with("bn.running_mean__")).collect();
    assert_eq!(unique.len(), 1);
    assert_eq!(before.moved(&after), [""; 0]);
    Ok(())
}
