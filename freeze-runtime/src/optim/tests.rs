use freeze_dsl::Optimizer;
use tch::nn::{self, Module, OptimizerConfig};
use tch::{Device, Kind, Tensor};

use super::{
    AnchorPull, GradScale, HyperParams, ParamSlot, ParamState, SteppingParam, gradients, plain,
    step,
};
use crate::ffi;

const STEPS: i64 = 60;

/// Values without a pattern, the same at every run.
fn values(shape: &[i64], seed: i64) -> Tensor {
    let count = shape.iter().product::<i64>();
    let indices = Tensor::arange(count, (Kind::Double, Device::Cpu)) * 1.7 + seed * 31;
    (indices.sin() * 43758.5453).frac().to_kind(Kind::Float).view(shape)
}

/// A small network whose every run starts from the same parameters.
struct Run {
    vs: nn::VarStore,
    net: nn::Sequential,
    parameters: Vec<Tensor>,
}

impl Run {
    fn new() -> Self {
        let vs = nn::VarStore::new(Device::Cpu);
        let net = nn::seq()
            .add(nn::linear(vs.root() / "a", 5, 17, nn::LinearConfig::default()))
            .add_fn(Tensor::tanh)
            .add(nn::linear(vs.root() / "b", 17, 3, nn::LinearConfig::default()));
        let mut parameters = vs.trainable_variables();
        parameters.sort_by_key(Tensor::size);
        tch::no_grad(|| {
            for (parameter, seed) in parameters.iter_mut().zip(1..) {
                parameter.copy_(&(values(&parameter.size(), seed) * 0.5));
            }
        });
        Self { vs, net, parameters }
    }

    fn loss(&self, batch: i64) -> Tensor {
        let x = values(&[8, 5], 100 + batch);
        let y = values(&[8, 3], 1000 + batch);
        (self.net.forward(&x) - y).square().mean(Kind::Float)
    }

    fn backward(&self, batch: i64) {
        gradients::zero(&self.borrowed()).unwrap();
        self.loss(batch).backward();
    }

    fn borrowed(&self) -> Vec<&Tensor> {
        self.parameters.iter().collect()
    }
}

/// Fails where two tensors differ by more than rounding. A parameter near zero was rounded when it
/// was larger, so that what counts there is the size of its steps' starting point.
fn assert_close(a: &Tensor, b: &Tensor, tolerance: f64, what: &str) {
    let difference = (a - b).norm().double_value(&[]);
    let size = b.norm().double_value(&[]).max(0.5);
    assert!(difference <= tolerance * size, "{what}: {difference:e} of {size:e}");
}

fn step_all(parameters: &[Tensor], states: &mut [Option<ParamState>], hyper_params: &HyperParams) {
    let slots = parameters.iter().zip(states).map(|(parameter, state)| ParamSlot {
        parameter,
        state,
        pull: None,
        follows: false,
    });
    step([(*hyper_params, slots.collect())], None).unwrap();
}

fn plain_step_all(
    parameters: &[Tensor],
    states: &mut [Option<ParamState>],
    hyper_params: &HyperParams,
) {
    tch::no_grad(|| {
        for (parameter, state) in parameters.iter().zip(states) {
            let is_first_step = state.is_none();
            let state = state
                .get_or_insert_with(|| ParamState::new(hyper_params.optimizer, parameter).unwrap());
            plain::step(
                &SteppingParam { parameter, state, follows: false },
                hyper_params,
                is_first_step,
            )
            .unwrap();
        }
    });
}

fn no_states(run: &Run) -> Vec<Option<ParamState>> {
    run.parameters.iter().map(|_| None).collect()
}

/// Three runs side by side: tch's own optimizer, the step, and the plain formulas.
fn assert_same_as_tch(config: impl OptimizerConfig, hyper_params: &HyperParams) {
    let (theirs, ours, by_formula) = (Run::new(), Run::new(), Run::new());
    let (mut states, mut plain_states) = (no_states(&ours), no_states(&by_formula));
    let mut optimizer = config.build(&theirs.vs, hyper_params.lr).unwrap();
    for batch in 0..STEPS {
        optimizer.backward_step(&theirs.loss(batch));
        ours.backward(batch);
        step_all(&ours.parameters, &mut states, hyper_params);
        by_formula.backward(batch);
        plain_step_all(&by_formula.parameters, &mut plain_states, hyper_params);
        for (i, expected) in theirs.parameters.iter().enumerate() {
            let what = format!("{hyper_params:?}, parameter {i}, step {batch}");
            assert_close(&ours.parameters[i], expected, 1e-6, &what);
            assert_close(&by_formula.parameters[i], expected, 1e-6, &format!("plain {what}"));
        }
    }
}

#[test]
fn sgd_is_the_same_as_tch() {
    for (momentum, dampening, nesterov, weight_decay) in [
        (0.0, 0.0, false, 0.0),
        (0.0, 0.0, false, 0.05),
        (0.9, 0.0, false, 0.0),
        (0.9, 0.0, true, 0.05),
        (0.8, 0.3, false, 0.05),
    ] {
        let optimizer = Optimizer::Sgd { momentum, dampening, nesterov };
        let theirs = nn::sgd(momentum, dampening, weight_decay, nesterov);
        assert_same_as_tch(theirs, &HyperParams { lr: 0.05, weight_decay, optimizer });
    }
}

#[test]
fn adam_is_the_same_as_tch() {
    for (amsgrad, weight_decay) in [(false, 0.0), (false, 0.05), (true, 0.0), (true, 0.05)] {
        let optimizer = Optimizer::Adam { beta1: 0.9, beta2: 0.99, eps: 1e-8, amsgrad };
        let theirs = nn::adam(0.9, 0.99, weight_decay).amsgrad(amsgrad);
        assert_same_as_tch(theirs, &HyperParams { lr: 1e-3, weight_decay, optimizer });
    }
}

#[test]
fn adamw_is_the_same_as_tch() {
    for (amsgrad, weight_decay) in [(false, 0.0), (false, 0.05), (true, 0.0), (true, 0.05)] {
        let optimizer = Optimizer::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, amsgrad };
        let theirs = nn::adamw(0.9, 0.99, weight_decay).amsgrad(amsgrad);
        assert_same_as_tch(theirs, &HyperParams { lr: 1e-3, weight_decay, optimizer });
    }
}

#[test]
fn rmsprop_is_the_same_as_tch() {
    for (momentum, centered, weight_decay) in
        [(0.0, false, 0.0), (0.0, true, 0.05), (0.9, false, 0.05), (0.9, true, 0.0)]
    {
        let optimizer = Optimizer::RmsProp { alpha: 0.95, eps: 1e-6, momentum, centered };
        let theirs = nn::rms_prop(0.95, 1e-6, weight_decay, momentum, centered);
        assert_same_as_tch(theirs, &HyperParams { lr: 1e-4, weight_decay, optimizer });
    }
}

const ADAMW: HyperParams = HyperParams { lr: 1e-2, weight_decay: 0.1, optimizer: Optimizer::ADAMW };

#[test]
fn without_a_gradient_nothing_moves_and_nothing_is_kept() {
    let run = Run::new();
    let mut states = no_states(&run);
    run.backward(0);
    gradients::zero(&[&run.parameters[1]]).unwrap();
    let before: Vec<_> = run.parameters.iter().map(Tensor::copy).collect();
    step_all(&run.parameters, &mut states, &ADAMW);
    for (i, state) in states.iter().enumerate() {
        assert_eq!(state.is_none(), i == 1);
        assert_eq!(before[i] == run.parameters[i], i == 1);
    }
    step([], None).unwrap();
    step([(ADAMW, Vec::new())], None).unwrap();
}

#[test]
fn a_parameter_that_comes_later_has_a_first_step_of_its_own() {
    let optimizer = Optimizer::Sgd { momentum: 0.9, dampening: 0.5, nesterov: false };
    let hyper_params = HyperParams { lr: 0.1, weight_decay: 0.0, optimizer };
    let run = Run::new();
    let mut states = no_states(&run);
    run.backward(0);
    gradients::zero(&[&run.parameters[0]]).unwrap();
    step_all(&run.parameters, &mut states, &hyper_params);
    let kept = buffer(states[1].as_ref()).copy();
    run.backward(1);
    step_all(&run.parameters, &mut states, &hyper_params);
    assert_eq!(*buffer(states[0].as_ref()), run.parameters[0].grad());
    let moved_on = kept * 0.9 + run.parameters[1].grad() * 0.5;
    assert_close(buffer(states[1].as_ref()), &moved_on, 1e-6, "velocity");
}

fn buffer(state: Option<&ParamState>) -> &Tensor {
    state.unwrap().tensor("momentum_buffer").unwrap()
}

#[test]
fn a_group_mixes_dtypes() {
    for optimizer in [
        Optimizer::ADAMW,
        Optimizer::ADAM,
        Optimizer::SGD,
        Optimizer::RMSPROP,
        Optimizer::ADAGRAD,
        Optimizer::ADAMAX,
        Optimizer::NADAM,
        Optimizer::RADAM,
        Optimizer::MUON,
    ] {
        let hyper_params = HyperParams { optimizer, ..ADAMW };
        let kinds = [Kind::Float, Kind::Double, Kind::BFloat16, Kind::Half, Kind::Float];
        let parameters = kinds.map(|kind| away_from_zero(1).to_kind(kind).set_requires_grad(true));
        let mut states = kinds.map(|_| None);
        for batch in 0..10 {
            gradients::zero(&parameters.each_ref()).unwrap();
            for parameter in &parameters {
                let x = away_from_zero(batch).to_kind(parameter.kind());
                (parameter * x).square().sum(None).backward();
            }
            step_all(&parameters, &mut states, &hyper_params);
        }
        assert_eq!(parameters[0], parameters[4]);
        for (parameter, tolerance) in parameters.iter().zip([1e-6, 0.0, 2e-2, 2e-3, 1e-6]) {
            let exact = &parameters[1];
            let what = format!("{optimizer:?} {:?}", parameter.kind());
            assert_close(&parameter.to_kind(Kind::Double), exact, tolerance, &what);
        }
    }
}

/// As in `PyTorch`, the fused kernels of Adam keep half precision in memory and calculate in single
/// precision: a step is the plain formula in single precision, rounded where it is written.
#[test]
fn adam_in_half_precision_is_single_precision_rounded_at_the_end_of_each_step() {
    let amsgrad = Optimizer::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, amsgrad: true };
    for kind in [Kind::BFloat16, Kind::Half] {
        for optimizer in [Optimizer::ADAM, Optimizer::ADAMW, amsgrad] {
            let hyper_params = HyperParams { optimizer, ..ADAMW };
            let parameter = away_from_zero(1).to_kind(kind).set_requires_grad(true);
            let mut states = [None];
            for batch in 0..8 {
                gradients::zero(&[&parameter]).unwrap();
                (&parameter * away_from_zero(batch).to_kind(kind)).sum(None).backward();
                assert!(ffi::facts(&[&parameter].into_iter().collect()).unwrap()[0].has_fused_adam);

                let single = parameter.detach().to_kind(Kind::Float).set_requires_grad(true);
                (&single * away_from_zero(batch).to_kind(kind)).sum(None).backward();
                let state = ParamState::new(optimizer, &single).unwrap();
                for (name, mut tensor) in
                    state.tensors().map(|(name, it)| (name, it.shallow_clone()))
                {
                    if let Some(known) =
                        states[0].as_ref().and_then(|it: &ParamState| it.tensor(name))
                    {
                        tensor.copy_(known);
                    }
                }
                let moving = SteppingParam { parameter: &single, state: &state, follows: false };
                tch::no_grad(|| plain::step(&moving, &hyper_params, batch == 0)).unwrap();

                step_all(std::slice::from_ref(&parameter), &mut states, &hyper_params);
                let what = format!("{optimizer:?} {kind:?}, step {batch}");
                assert_within_an_ulp(&parameter, &single.to_kind(kind), &what);
                for (name, tensor) in states[0].as_ref().unwrap().tensors() {
                    let expected = state.tensor(name).unwrap().to_kind(tensor.kind());
                    if name == "step" {
                        assert_eq!(*tensor, expected);
                    } else {
                        assert_within_an_ulp(tensor, &expected, &format!("{name}, {what}"));
                    }
                }
            }
        }
    }
}

#[test]
fn sgd_in_half_precision_is_libtorchs_to_the_bit() {
    for kind in [Kind::BFloat16, Kind::Half] {
        for (momentum, dampening, weight_decay, nesterov) in
            [(0.0, 0.0, 0.0, false), (0.9, 0.3, 0.1, false), (0.9, 0.0, 0.1, true)]
        {
            let store = nn::VarStore::new(Device::Cpu);
            let theirs = store.root().var_copy("w", &values(&[64, 64], 1).to_kind(kind));
            let sgd = nn::Sgd { momentum, dampening, wd: weight_decay, nesterov };
            let mut optimizer = sgd.build(&store, 0.013).unwrap();
            let own = theirs.detach().copy().set_requires_grad(true);
            let hyper_params = HyperParams {
                lr: 0.013,
                weight_decay,
                optimizer: Optimizer::Sgd { momentum, dampening, nesterov },
            };
            let mut states = [None];
            for batch in 0..20 {
                let x = values(&[64, 64], batch).to_kind(kind);
                optimizer.zero_grad();
                (&theirs * &x).sum(None).backward();
                optimizer.step();
                gradients::zero(&[&own]).unwrap();
                (&own * &x).sum(None).backward();
                step_all(std::slice::from_ref(&own), &mut states, &hyper_params);
            }
            assert_eq!(own, theirs, "{kind:?}, {hyper_params:?}");
        }
    }
}

/// Fails where two tensors of half precision are further apart than neighbours.
fn assert_within_an_ulp(one: &Tensor, other: &Tensor, what: &str) {
    let bits = |tensor: &Tensor| tensor.detach().view_dtype(Kind::Int16).to_kind(Kind::Int);
    let apart = (bits(one) - bits(other)).abs().max().int64_value(&[]);
    assert!(apart <= 1, "{what}: {apart} apart");
}

/// In half precision, squares of small gradients are zero.
fn away_from_zero(seed: i64) -> Tensor {
    values(&[7, 3], seed).abs() + 1
}

#[test]
fn a_gradient_may_lie_otherwise_than_its_parameter() {
    for optimizer in [
        Optimizer::ADAM,
        Optimizer::ADAMW,
        Optimizer::SGD,
        Optimizer::ADAGRAD,
        Optimizer::NADAM,
        Optimizer::MUON,
        Optimizer::ADAFACTOR,
    ] {
        let hyper_params = HyperParams { optimizer, ..ADAMW };
        let gradient = values(&[6, 4], 2);
        let runs = [false, true].map(|transposed| {
            let parameter = values(&[6, 4], 1).set_requires_grad(true);
            let mut states = [None];
            for _ in 0..3 {
                gradients::zero(&[&parameter]).unwrap();
                if transposed {
                    let columns = gradient.transpose(0, 1).contiguous().view([6, 4]);
                    (&parameter * columns).sum(None).backward();
                    let _ = parameter.grad().as_strided_([6, 4], [1, 6], 0);
                } else {
                    (&parameter * &gradient).sum(None).backward();
                }
                assert_eq!(parameter.grad(), gradient);
                step_all(std::slice::from_ref(&parameter), &mut states, &hyper_params);
            }
            parameter
        });
        assert_eq!(runs[0], runs[1]);
    }
}

#[test]
fn a_parameter_with_gaps_in_memory_steps_too() {
    let parameter = values(&[6, 4], 1).narrow(1, 1, 2).set_requires_grad(true);
    let expected = parameter.detach().contiguous().set_requires_grad(true);
    let parameters = [parameter, expected];
    let mut states = [None, None];
    for _ in 0..3 {
        gradients::zero(&parameters.each_ref()).unwrap();
        for parameter in &parameters {
            parameter.square().sum(None).backward();
        }
        step_all(&parameters, &mut states, &ADAMW);
    }
    assert_close(&parameters[0], &parameters[1], 1e-6, "gaps");
}

#[test]
fn sgd_takes_a_sparse_gradient() {
    let table = values(&[9, 4], 1).set_requires_grad(true);
    let before = table.detach().copy();
    Tensor::embedding(&table, &Tensor::from_slice(&[2i64, 5]), -1, false, true)
        .sum(None)
        .backward();
    assert!(table.grad().is_sparse());
    let hyper_params = HyperParams { lr: 0.5, weight_decay: 0.0, optimizer: Optimizer::SGD };
    step_all(std::slice::from_ref(&table), &mut [None], &hyper_params);
    let expected = before.index_add(
        0,
        &Tensor::from_slice(&[2i64, 5]),
        &Tensor::full([2, 4], -0.5, (Kind::Float, Device::Cpu)),
    );
    assert_eq!(table, expected);
}

#[test]
fn a_complex_parameter_is_two_real_ones() {
    for optimizer in [
        Optimizer::SGD,
        Optimizer::ADAMW,
        Optimizer::RMSPROP,
        Optimizer::Adagrad { lr_decay: 0.1, initial: 0.5, eps: 1e-8 },
        Optimizer::ADAMAX,
        Optimizer::NADAM,
        Optimizer::RADAM,
        Optimizer::LION,
    ] {
        let hyper_params = HyperParams { optimizer, ..ADAMW };
        let parts = values(&[5, 2], 1);
        let complex = parts.view_as_complex().copy().set_requires_grad(true);
        let parameters = [complex, parts.set_requires_grad(true)];
        let mut states = [None, None];
        for _ in 0..3 {
            gradients::zero(&parameters.each_ref()).unwrap();
            parameters[0].view_as_real().square().sum(None).backward();
            parameters[1].square().sum(None).backward();
            step_all(&parameters, &mut states, &hyper_params);
        }
        assert_close(&parameters[0].view_as_real(), &parameters[1], 1e-6, "parts");
    }
}

#[test]
fn another_optimizer_starts_afresh() {
    let run = Run::new();
    let mut states = no_states(&run);
    let elements: usize = run.parameters.iter().map(Tensor::numel).sum();
    let amsgrad = Optimizer::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: true };
    let sgd = Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false };
    for (optimizer, names) in [
        (Optimizer::ADAMW, vec!["step", "exp_avg", "exp_avg_sq"]),
        (amsgrad, vec!["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
        (Optimizer::SGD, vec![]),
        (sgd, vec!["momentum_buffer"]),
        (Optimizer::SGD, vec!["momentum_buffer"]),
        (Optimizer::RMSPROP, vec!["square_avg"]),
        (Optimizer::ADAM, vec!["step", "exp_avg", "exp_avg_sq"]),
    ] {
        for batch in 0..2 {
            run.backward(batch);
            step_all(&run.parameters, &mut states, &HyperParams { optimizer, ..ADAMW });
        }
        let averages = names.iter().filter(|name| **name != "step").count();
        let steps = names.len() - averages;
        let bytes: usize = states.iter().flatten().map(ParamState::bytes).sum();
        assert_eq!(bytes, 4 * (averages * elements + steps * run.parameters.len()));
        for state in states.iter().flatten() {
            assert!(names.iter().all(|name| state.tensor(name).is_some()));
            assert!(state.tensor("step").is_none_or(|step| step.int64_value(&[]) == 2));
        }
    }
}

/// Libtorch's fused kernel and multi-tensor operations have the same arithmetic.
#[test]
fn adagrad_is_the_same_fused_or_not() {
    let optimizer = Optimizer::Adagrad { lr_decay: 0.1, initial: 0.2, eps: 1e-8 };
    let hyper_params = HyperParams { optimizer, ..ADAMW };
    let fused = values(&[6, 4], 1).set_requires_grad(true);
    let wide = Tensor::cat(&[values(&[6, 4], 1), values(&[6, 4], 2)], 1);
    // With gaps in memory.
    let other = wide.narrow(1, 0, 4).set_requires_grad(true);
    let parameters = [fused, other];
    let facts = ffi::facts(&parameters.iter().collect()).unwrap();
    let mut states = [None, None];
    assert!(!facts[0].has_fused_adagrad, "no gradient as yet");
    for _ in 0..5 {
        gradients::zero(&parameters.each_ref()).unwrap();
        for parameter in &parameters {
            parameter.sin().sum(None).backward();
        }
        let facts = ffi::facts(&parameters.iter().collect()).unwrap();
        assert_eq!([0, 1].map(|i: usize| facts[i].has_fused_adagrad), [true, false]);
        step_all(&parameters, &mut states, &hyper_params);
    }
    assert_close(&parameters[1], &parameters[0], 1e-6, "fused");
}

#[test]
fn muon_takes_matrices_alone() {
    let hyper_params = HyperParams { optimizer: Optimizer::MUON, ..ADAMW };
    for shape in [vec![4], vec![2, 2, 2], vec![]] {
        let parameter = values(&shape, 1).set_requires_grad(true);
        parameter.sum(None).backward();
        let mut states = [None];
        let (parameter, state) = (&parameter, &mut states[0]);
        let slot = ParamSlot { parameter, state, follows: false, pull: None };
        let error = step([(hyper_params, vec![slot])], None).unwrap_err().to_string();
        assert!(error.contains("muon takes matrices alone"), "{error}");
        assert!(states[0].is_none());
    }
}

#[test]
fn a_parameter_that_changed_under_its_state_is_an_error() {
    let mut run = Run::new();
    let mut states = no_states(&run);
    run.backward(0);
    step_all(&run.parameters, &mut states, &ADAMW);
    run.vs.double();
    run.parameters = run.vs.trainable_variables();
    let loss = run.parameters.iter().map(|parameter| parameter.square().sum(None)).sum::<Tensor>();
    gradients::zero(&run.borrowed()).unwrap();
    loss.backward();
    let slots = run.parameters.iter().zip(&mut states).map(|(parameter, state)| ParamSlot {
        parameter,
        state,
        pull: None,
        follows: false,
    });
    let error = step([(ADAMW, slots.collect())], None).unwrap_err().to_string();
    assert!(error.contains("does not go with a parameter of CPUDoubleType"), "{error}");
}

/// As on a GPU, where the flag lies on the device.
#[test]
fn a_step_that_is_skipped_on_the_device_moves_nothing() {
    for optimizer in [
        "sgd",
        "sgd(momentum 0.9)",
        "sgd(momentum 0.9, dampening 0.5)",
        "adamw(amsgrad)",
        "rmsprop(momentum 0.9, centered)",
        "adagrad",
        "adamax",
        "nadam",
        "radam",
        "lion",
        "muon",
        "adafactor",
    ] {
        for kind in [Kind::Float, Kind::BFloat16, Kind::ComplexFloat] {
            let is_complex = kind == Kind::ComplexFloat;
            if !(is_complex && ["lion", "muon", "adafactor"].contains(&optimizer)) {
                let [undisturbed, disturbed] = [false, true].map(|is_disturbed| {
                    stepped_on_a_device(&hyper_params_of(optimizer), kind, is_disturbed)
                });
                assert_eq!(undisturbed, disturbed, "{optimizer} in {kind:?}");
            }
        }
    }
}

/// A parameter and its state after some steps, of which a first and a later one follow a skipped one.
fn stepped_on_a_device(hyper_params: &HyperParams, kind: Kind, is_disturbed: bool) -> Vec<Tensor> {
    let start = values(&[6, 4], 3).to_kind(kind);
    let parameter = start.copy().set_requires_grad(true);
    let mut state = None;
    let steps = [(0, true), (0, false), (1, false), (2, true), (2, false), (3, false)];
    for (number, is_bad) in steps.into_iter().filter(|(_, is_bad)| is_disturbed || !is_bad) {
        gradients::zero(&[&parameter]).unwrap();
        let factor = if is_bad { f64::INFINITY } else { 1.0 };
        let numbers = plain::real(&parameter).unwrap();
        let by = values(&numbers.size(), number).to_kind(numbers.kind());
        (numbers * by * factor).sum(None).backward();
        let mut scale = GradScale::new(&Tensor::from(1_f32));
        scale.is_remote = true;
        let slot = ParamSlot {
            parameter: &parameter,
            state: &mut state,
            pull: Some(AnchorPull { toward: &start, share: 0.1 }),
            follows: false,
        };
        step([(*hyper_params, vec![slot])], Some(&mut scale)).unwrap();
        assert_eq!(scale.found_inf().unwrap(), Tensor::from(f32::from(u8::from(is_bad))));
    }
    let state = state.unwrap();
    let tensors = state.tensors().map(|(_, tensor)| tensor).chain([&parameter]);
    tensors.map(|tensor| plain::real(&tensor.detach()).unwrap().copy()).collect()
}

fn hyper_params_of(optimizer: &str) -> HyperParams {
    let text = format!("default lr 0.1 weight_decay 0.1 optimizer {optimizer}; start: train a");
    let policy = freeze_dsl::policy::Policy::parse(&text).unwrap();
    let vs = nn::VarStore::new(Device::Cpu);
    let _ = vs.root().add("a", values(&[6, 4], 1), true);
    let tuner = crate::Tuner::builder(&policy).attach(&vs).unwrap();
    let group = &tuner.param_groups()[0];
    HyperParams { lr: group.lr, weight_decay: group.weight_decay, optimizer: group.optimizer }
}
