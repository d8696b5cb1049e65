//! Learning rates in words.

use std::collections::BTreeSet;

use super::{BoundPolicy, State, shortened};
use crate::index::SliceSet;
use crate::ir::{CurvePiece, ValueCurve};

/// So many learning rates are written out; more are written as the lowest and the highest.
const WRITTEN: usize = 3;

/// The learning rates of the slices that train, each once, in the model's order.
pub(super) fn rates(bound: &BoundPolicy, state: &State, trains: &SliceSet) -> String {
    let mut seen = BTreeSet::new();
    let mut written = Vec::new();
    let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
    for options in bound.training(trains).filter_map(|slice| state.options(slice)) {
        let curve = state.curve_at(options.lr).map(crate::time::ActiveCurve::curve);
        // Many slices share a curve.
        if !seen.insert((options.lr, options.lr_factor.to_bits())) {
            continue;
        }
        let factor = options.lr_factor;
        let words = curve.map_or_else(|| of_program(factor), |curve| in_words(curve, factor));
        if !written.contains(&words) {
            written.push(words);
        }
        for end in curve.into_iter().flat_map(ValueCurve::ends) {
            lowest = lowest.min(end * factor);
            highest = highest.max(end * factor);
        }
    }
    match written.as_slice() {
        many if many.len() > WRITTEN && highest.is_finite() => {
            format!("{} to {} ({})", shortened(lowest), shortened(highest), many.len())
        }
        few => few.join(", "),
    }
}

fn of_program(factor: f64) -> String {
    if factor.to_bits() == 1.0_f64.to_bits() {
        "the program's".to_owned()
    } else {
        format!("the program's * {}", shortened(factor))
    }
}

/// The values between which a curve moves, one after another.
fn in_words(curve: &ValueCurve, factor: f64) -> String {
    let value = |value: f64| shortened(value * factor);
    let mut ends: Vec<String> = Vec::new();
    for piece in &curve.pieces {
        let own = match *piece {
            CurvePiece::Hold(at) => vec![value(at)],
            CurvePiece::Ramp { from, to, repeat, .. } => {
                let again = if repeat.is_some() { " again and again" } else { "" };
                vec![value(from), format!("{}{again}", value(to))]
            }
            CurvePiece::InverseSqrt { from, .. } => vec![value(from), "0".to_owned()],
            CurvePiece::Staircase { from, factor, to, .. } => {
                let to = to.map_or_else(String::new, |to| format!(" to {}", value(to)));
                vec![format!("{} times {}{to}", value(from), shortened(factor))]
            }
        };
        let is_known = ends.last().is_some() && ends.last() == own.first();
        ends.extend(own.into_iter().skip(usize::from(is_known)));
    }
    let end = if curve.then_freeze { ", then frozen" } else { "" };
    format!("{}{end}", ends.join(" -> "))
}
