//! At every moment each trainable parameter is in exactly one group and no frozen one is in any;
//! flags, groups and policy agree, and any other change of them is reported.

use std::collections::BTreeSet;

use freeze_runtime::{Error, Optimizer, Tuner};
use freeze_tests::{Bits, Net, assert_moved, parse, train, tune};
use tch::nn::{self, VarStore};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Error>;

/// Changes a network without its tuner; returns the beginning of the error.
type Change<'c> = &'c dyn Fn(&Net) -> &'static str;

/// Fails unless the trainable parameters are exactly `expected`, by flags, by groups and by name.
fn assert_owned(vs: &VarStore, tuner: &Tuner, expected: &[&str]) {
    let expected: BTreeSet<&str> = expected.iter().copied().collect();
    let variables = vs.variables();
    let flags = variables.iter().filter(|(_, tensor)| tensor.requires_grad());
    assert_eq!(flags.map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>(), expected);
    let trainable = tuner.trainable_names();
    assert_eq!(trainable.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    let groups = tuner.param_groups();
    let grouped: Vec<&String> = groups.iter().flat_map(|group| &group.params).collect();
    assert_eq!(grouped.iter().map(|name| name.as_str()).collect::<BTreeSet<_>>(), expected);
    assert_eq!(grouped.len(), expected.len(), "in two groups: {grouped:?}");
}

fn linear(layers: &[&str]) -> Vec<String> {
    let names = ["bias", "weight"];
    layers.iter().flat_map(|layer| names.map(|name| format!("{layer}.{name}"))).collect()
}

#[test]
fn flags_groups_and_names_agree_after_every_transition() -> Outcome {
    let net = Net::linear();
    let mut tuner = tune(
        &net,
        "default lr 0.1 optimizer sgd;
         epoch 0: train c lr 0.5;
         step 2: unfreeze b, set @biases weight_decay 0.5;
         epoch 1: set c optimizer adamw;
         step 6: freeze c, unfreeze a lr 0.5;
         epoch 2: train @all lr 0.1 weight_decay 0, set @all optimizer sgd;
         step 9: freeze a.weight, b",
    );
    let owned = |tuner: &Tuner, expected: &[String], groups: usize| {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_owned(&net.vs, tuner, &expected);
        assert_eq!(tuner.param_groups().len(), groups);
    };
    owned(&tuner, &linear(&["a", "b", "c"]), 1);
    tuner.start_epoch()?;
    owned(&tuner, &linear(&["c"]), 1);
    train(&net, &mut tuner, 0..2)?;
    // 0.1 and 0.5, each with a weight decay for its bias.
    owned(&tuner, &linear(&["b", "c"]), 4);
    train(&net, &mut tuner, 2..4)?;
    tuner.start_epoch()?;
    owned(&tuner, &linear(&["b", "c"]), 4);
    assert_eq!(tuner.param_groups()[2].optimizer, Optimizer::ADAMW);
    train(&net, &mut tuner, 4..6)?;
    owned(&tuner, &linear(&["a", "b"]), 4);
    tuner.start_epoch()?;
    owned(&tuner, &linear(&["a", "b", "c"]), 1);
    train(&net, &mut tuner, 6..9)?;
    owned(&tuner, &[&linear(&["c"])[..], &["a.bias".to_owned()]].concat(), 1);
    assert_eq!(tuner.rules_fired(), [6]);
    Ok(())
}

#[test]
fn groups_are_in_the_order_of_their_first_parameter() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer sgd(momentum 0.9);
                  start: train @all, set c, a.bias lr 0.2, set @biases weight_decay 0.3";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    let optimizer = Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false };
    let groups = tuner.param_groups();
    let groups: Vec<_> = groups
        .iter()
        .map(|group| (group.params.clone(), group.lr, group.weight_decay, group.optimizer))
        .collect();
    assert_eq!(
        groups,
        [
            (vec!["a.bias", "c.bias"], 0.2, 0.3, optimizer),
            (vec!["a.weight", "b.weight"], 0.1, 0.0, optimizer),
            (vec!["b.bias"], 0.1, 0.3, optimizer),
            (vec!["c.weight"], 0.2, 0.0, optimizer),
        ]
        .map(|(names, lr, decay, optimizer)| {
            (names.into_iter().map(str::to_owned).collect(), lr, decay, optimizer)
        })
    );
    Ok(())
}

#[test]
fn the_programs_weight_decay_goes_with_the_programs_optimizer() -> Outcome {
    let net = Net::linear();
    let policy = parse("start: train @all, set b optimizer adamw, set c.bias weight_decay 0.2");
    let program = nn::sgd(0.9, 0.0, 0.1, false);
    let mut tuner = Tuner::builder(&policy).optimizer(program).lr(1e-3).attach(&net.vs)?;
    tuner.start_epoch()?;
    let groups = tuner.param_groups();
    let options: Vec<_> =
        groups.iter().map(|group| (group.optimizer.name(), group.weight_decay)).collect();
    assert_eq!(options, [("sgd", 0.1), ("adamw", 0.01), ("sgd", 0.2)]);
    Ok(())
}

#[test]
fn a_flag_flipped_without_the_tuner_is_reported_at_the_next_transition() -> Outcome {
    let rules = "start: train b; epoch 1: unfreeze c; epoch 2: freeze c";
    for (name, flag) in [("a.bias", true), ("b.weight", false), ("c.weight", true)] {
        let net = Net::linear();
        let mut tuner = tune(&net, &format!("default lr 0.1 optimizer sgd; {rules}"));
        tuner.start_epoch()?;
        let _ = net.variable(name).set_requires_grad(flag);
        let Err(Error::Ownership(message)) = tuner.start_epoch() else {
            panic!("no error reports that `{name}` was flipped");
        };
        assert!(message.starts_with(&format!("`{name}`")), "{message}");
        assert!(message.contains(&format!("`requires_grad` is {flag}")), "{message}");
    }
    Ok(())
}

#[test]
fn a_flag_flipped_without_the_tuner_moves_nothing() -> Outcome {
    let net = Net::linear();
    let policy =
        "default lr 0.1 optimizer sgd(momentum 0.9); start: train b; epoch 1: freeze b.bias";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    let before = Bits::of(&net.vs);
    let _ = net.variable("a.bias").set_requires_grad(true);
    train(&net, &mut tuner, 0..3)?;
    assert!(net.has_gradient("a.bias"));
    assert_moved(&before, &net, &[&["b.bias", "b.weight"]]);
    Ok(())
}

#[test]
fn a_program_that_goes_on_after_that_is_under_the_policy_again() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer sgd(momentum 0.9); start: train b; epoch 1: train c";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..2)?;
    let _ = net.variable("a.bias").set_requires_grad(true);
    net.loss(2).backward();
    assert!(matches!(tuner.start_epoch(), Err(Error::Ownership(_))));
    assert_owned(&net.vs, &tuner, &["c.bias", "c.weight"]);
    assert!(!net.has_gradient("a.bias"));
    let before = Bits::of(&net.vs);
    train(&net, &mut tuner, 3..5)?;
    assert_moved(&before, &net, &[&["c.bias", "c.weight"]]);
    assert!(!net.has_gradient("a.bias"));
    tuner.start_epoch()?;
    Ok(())
}

/// A linear layer that is its own inverse's: `decode` is `encode`, transposed.
fn tied() -> (VarStore, Tensor) {
    let vs = VarStore::new(Device::Cpu);
    let weight = vs.root().sub("encode").add(
        "weight",
        Tensor::arange(12, (Kind::Float, Device::Cpu)).view([3, 4]).sin(),
        true,
    );
    let _ = vs.root().sub("decode").add("weight", weight.shallow_clone(), true);
    let _ = vs.root().add("bias", Tensor::ones([4], (Kind::Float, Device::Cpu)), true);
    (vs, weight)
}

#[test]
fn a_tied_weight_counts_once_under_both_of_its_names() -> Outcome {
    let (vs, weight) = tied();
    let before = weight.copy();
    for one in ["encode", "decode"] {
        let policy = parse(&format!("default lr 0.5 optimizer sgd; start: train {one}"));
        let refused = Tuner::builder(&policy).attach(&vs).err().map(|error| error.to_string());
        assert!(refused.is_some_and(|error| error.contains("FRZ0206")), "{one}");
    }
    for both in ["encode, decode", "@all except bias"] {
        let policy = parse(&format!("default lr 0.5 optimizer sgd; start: train {both}"));
        let mut tuner = Tuner::builder(&policy).attach(&vs)?;
        tuner.start_epoch()?;
        assert_eq!(tuner.trainable_names().len(), 1);
        assert_eq!(tuner.param_groups().len(), 1);
        let at = weight.copy();
        tuner.backward_step(&(&weight * 3.0).sum(None))?;
        assert!((&weight - (at - 1.5)).abs().max().double_value(&[]) < 1e-6);
    }
    assert_ne!(weight, before);

    let policy =
        parse("default lr 0.5 optimizer adam; start: train @all; epoch 1: freeze encode, decode");
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    tuner.backward_step(&(weight.sum(None) + vs.variables()["bias"].sum(None)))?;
    assert_eq!(tuner.optimizer_bytes(), 4 * (2 * 12 + 1) + 4 * (2 * 4 + 1));
    tuner.start_epoch()?;
    assert!(!weight.requires_grad());
    assert_eq!(tuner.trainable_names(), ["bias"]);
    assert_eq!(tuner.optimizer_bytes(), 4 * (2 * 4 + 1));
    Ok(())
}

#[test]
fn two_parameters_in_one_storage_are_refused() {
    type Share = fn(&Tensor) -> Tensor;
    let shares: [(&str, Share); 4] = [
        ("a view", |weight| weight.narrow(0, 0, 2)),
        ("a detached twin", Tensor::detach),
        ("a detached view", |weight| weight.detach().narrow(0, 1, 2)),
        ("another shape", |weight| weight.detach().view(-1)),
    ];
    for (what, share) in shares {
        let vs = VarStore::new(Device::Cpu);
        let weight = vs.root().add("first", Tensor::ones([3, 4], (Kind::Float, Device::Cpu)), true);
        let _ = vs.root().add("second", share(&weight), true);
        let policy = parse("default lr 0.5 optimizer sgd; start: train first");
        let Err(Error::Ownership(message)) = Tuner::builder(&policy).attach(&vs) else {
            panic!("{what} was not refused");
        };
        assert!(message.starts_with("`first` and `second` share memory"), "{what}: {message}");
    }
}

#[test]
fn a_parameter_that_is_computed_from_another_is_refused() {
    let vs = VarStore::new(Device::Cpu);
    let weight = vs.root().add("weight", Tensor::ones([3, 4], (Kind::Float, Device::Cpu)), true);
    let _ = vs.root().add("twice", &weight * 2, true);
    let policy = parse("default lr 0.5 optimizer sgd; start: train weight");
    let Err(Error::Ownership(message)) = Tuner::builder(&policy).attach(&vs) else {
        panic!("not refused");
    };
    assert!(message.starts_with("`twice` is computed from other tensors"), "{message}");
}

#[test]
fn a_parameter_that_is_added_later_is_reported_at_the_next_transition() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer sgd; start: train b; epoch 1: train c";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    let _ = net.vs.root().add("late", Tensor::ones([3], (Kind::Float, Device::Cpu)), false);
    train(&net, &mut tuner, 0..1)?;
    let _ = net.vs.root().add("later", Tensor::ones([3], (Kind::Float, Device::Cpu)), true);
    let Err(Error::Ownership(message)) = tuner.start_epoch() else { panic!("no error") };
    assert!(message.starts_with("`later` was added after `attach`"), "{message}");
    Ok(())
}

#[test]
fn a_weight_that_is_tied_later_is_reported_at_the_next_transition() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer sgd; start: train b; epoch 1: train c";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..1)?;
    // The same tensors still, and now one memory: a step of the trainable one would move the frozen one.
    let shared = net.variable("b.weight").detach().narrow(0, 0, 3);
    net.variable("c.weight").set_data(&shared);
    let Err(Error::Ownership(message)) = tuner.start_epoch() else { panic!("no error") };
    assert!(message.starts_with("`b.weight` and `c.weight` share memory"), "{message}");
    Ok(())
}

#[test]
fn a_variable_that_is_replaced_or_flagged_is_reported_at_the_next_transition() -> Outcome {
    let replace = |net: &Net| {
        let other = net.variable("a.weight").detach().copy().set_requires_grad(true);
        let mut variables = net.vs.variables_.lock().unwrap();
        let _ = variables.named_variables.insert("a.weight".to_owned(), other);
        "`a.weight` was replaced after `attach`"
    };
    let flag = |net: &Net| {
        let _ = net.variable("layer1.bn.running_mean").set_requires_grad(true);
        "`layer1.bn.running_mean` is not a parameter, and its `requires_grad` is true"
    };
    let cases: [(Net, &str, Change<'_>); 2] = [
        (Net::linear(), "start: train b; epoch 1: train c", &replace),
        (Net::convolutions(Device::Cpu), "start: train fc; epoch 1: train layer2", &flag),
    ];
    for (net, rules, change) in cases {
        let mut tuner = tune(&net, &format!("default lr 0.1 optimizer sgd; {rules}"));
        tuner.start_epoch()?;
        let expected = change(&net);
        let Err(Error::Ownership(message)) = tuner.start_epoch() else { panic!("no error") };
        assert!(message.starts_with(expected), "{message}");
    }
    Ok(())
}

#[test]
fn a_flag_of_rows_flipped_without_the_tuner_is_reported() -> Outcome {
    let rules = "start: train rows 1..3 of b.weight, c; epoch 1: freeze c; epoch 2: train c";
    for (epochs, flag) in [(1, false), (3, true)] {
        let net = Net::linear();
        let mut tuner = tune(&net, &format!("default lr 0.1 optimizer sgd; {rules}"));
        for _ in 0..epochs {
            tuner.start_epoch()?;
        }
        let _ = net.variable("b.weight").set_requires_grad(flag);
        let outcome = tuner.start_epoch();
        if epochs == 1 {
            let Err(Error::Ownership(message)) = outcome else { panic!("no error") };
            assert!(
                message.contains("`b.weight` is trained, and its `requires_grad`"),
                "{message}"
            );
            assert!(net.variable("b.weight").requires_grad());
        } else {
            // No rule fires in this epoch. Its start reports the flag all the same.
            let Err(Error::Ownership(message)) = outcome else { panic!("no error") };
            assert!(message.contains("`b.weight` is frozen, and its `requires_grad`"), "{message}");
            assert!(!net.variable("b.weight").requires_grad());
            let before = Bits::of(&net.vs);
            train(&net, &mut tuner, 0..2)?;
            assert_moved(&before, &net, &[&["c.bias", "c.weight"]]);
        }
    }
    Ok(())
}

#[test]
fn what_the_program_does_to_parameters_is_reported_in_an_epoch_without_a_rule() -> Outcome {
    type Act = fn(&mut Net);
    let cases: [(Act, &str); 6] = [
        (|net| net.vs.freeze(), "`b.bias` is trained, and its `requires_grad` is false"),
        (|net| net.vs.bfloat16(), "`a.bias` is bf16 now and was f32"),
        (|net| net.vs.double(), "`a.bias` is f64 now and was f32"),
        (
            |net| {
                let mut variable = net.variable("c.weight");
                variable.set_data(&variable.detach().reshape([-1, 2]).copy());
            },
            "`c.weight` has shape [12, 2] now and had shape [3, 8]",
        ),
        (
            |net| {
                let other = net.variable("c.weight").detach().copy();
                let mut variables = net.vs.variables_.lock().unwrap();
                let _ = variables.named_variables.insert("c.weight".to_owned(), other);
            },
            "`c.weight` was replaced after `attach`",
        ),
        (
            |net| {
                let mut variables = net.vs.variables_.lock().unwrap();
                let _ = variables.named_variables.remove("c.weight");
            },
            "`c.weight` was removed from the store after `attach`",
        ),
    ];
    for (act, expected) in cases {
        let mut net = Net::linear();
        let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train b");
        tuner.start_epoch()?;
        train(&net, &mut tuner, 0..1)?;
        assert!(tuner.start_epoch()?.is_empty());
        act(&mut net);
        let Err(Error::Ownership(message)) = tuner.start_epoch() else { panic!("{expected}") };
        assert!(message.starts_with(expected), "{message}");
    }
    Ok(())
}

#[test]
fn a_store_that_the_program_froze_is_trained_again_after_the_report() -> Outcome {
    let mut net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train b");
    tuner.start_epoch()?;
    net.vs.freeze();
    assert!(tuner.start_epoch().is_err());
    assert_eq!(tuner.epochs_started(), 2);
    let before = Bits::of(&net.vs);
    train(&net, &mut tuner, 0..1)?;
    assert_moved(&before, &net, &[&["b.bias", "b.weight"]]);
    assert!(tuner.start_epoch()?.is_empty());
    Ok(())
}

#[test]
fn parameters_without_elements_share_nothing() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    for name in ["one", "two"] {
        let _ = vs.root().add(name, Tensor::zeros([0, 4], (Kind::Float, Device::Cpu)), true);
    }
    let last = nn::linear(vs.root() / "last", 2, 2, nn::LinearConfig::default());
    let policy = parse("default lr 0.5 optimizer adamw; start: train @all; epoch 1: train last");
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    tuner.backward_step(&(last.ws.sum(None) + vs.variables()["one"].sum(None)))?;
    tuner.start_epoch()?;
    assert_owned(&vs, &tuner, &["last.bias", "last.weight"]);
    Ok(())
}
