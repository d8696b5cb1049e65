//! A random policy for a random model.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::net::{Layer, Shape};
use crate::optimizers::OPTIMIZERS;

/// What rules can speak of in a model.
pub(super) fn targets(shape: &Shape) -> Vec<String> {
    let mut targets: Vec<String> = ["fc", "fc.bias", "@biases", "sample 1 of @layers seed 5"]
        .into_iter()
        .chain(["rows 0..2 of fc.weight", "rows 1..3 of fc.weight", "rows 1..2 of fc.bias"])
        .map(str::to_owned)
        .collect();
    for (i, layer) in shape.layers.iter().enumerate() {
        targets.push(format!("l{i}"));
        if matches!(layer, Layer::Convolution) {
            targets.push(format!("l{i}.bn"));
            targets.push(format!("l{i}.conv.weight"));
            targets.push(format!("rows 0..2 of l{i}.conv.weight"));
            targets.push(format!("rows 1..3 of l{i}.bn.weight"));
        }
    }
    if shape.embeds.is_some() {
        targets
            .extend(["embed", "rows 2..5 of embed.weight", "rows 4..7 of embed"].map(Into::into));
    }
    targets
}

pub(super) fn policy(shape: &Shape) -> impl Strategy<Value = String> + use<> {
    let sparse = shape.embeds == Some(true);
    let optimizers = if sparse { &OPTIMIZERS[..2] } else { &OPTIMIZERS[..] };
    let others = if sparse { 1 } else { 3 };
    let others = &["sgd(momentum 0.5)", "adamw(amsgrad)", "rmsprop"][..others];
    let targets = select(targets(shape));
    let action =
        (targets, select(others.to_vec()), 0..13).prop_map(
            |(targets, other, action)| match action {
                0..3 => format!("train {targets}"),
                3..6 => format!("unfreeze {targets}"),
                6 | 7 => format!("freeze {targets}"),
                8 => format!("freeze {targets} keep state"),
                9 => format!("unfreeze {targets} optimizer {other} lr 0.01"),
                10 => format!("set {targets} weight_decay 0.3 lr 0.02"),
                11 => format!("reset {targets}"),
                _ => format!("unfreeze {targets} lr linear 0.05 -> 0.01 over 3 steps then freeze"),
            },
        );
    let layers: Vec<String> = (0..shape.layers.len()).map(|i| format!("l{i}")).collect();
    let layers = format!("let @layers = [{}, fc];", layers.join(", "));
    (select(optimizers.to_vec()), vec((moment(), action), 2..9)).prop_map(
        move |(default, rules)| format!("{layers} default {default};{}", at_moments(rules)),
    )
}

/// Whether a rule waits for a step or for an epoch, and how much later than the last such rule.
pub type Later = (bool, u64);

/// A moment that is not before the one of the rule before it; several may come at one look.
pub fn moment() -> impl Strategy<Value = Later> {
    (any::<bool>(), 0..3_u64)
}

/// Rules at moments that do not run back.
#[must_use]
pub fn at_moments(rules: Vec<(Later, String)>) -> String {
    let (mut epoch, mut step) = (0, 0);
    let mut text = String::new();
    for ((is_step, later), actions) in rules {
        let moment = if is_step {
            step += later;
            format!("step {step}")
        } else {
            epoch += later / 2;
            format!("epoch {epoch}")
        };
        let _ = write!(text, " {moment}: {actions};");
    }
    text
}
