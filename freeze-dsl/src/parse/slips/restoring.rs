//! `restore` in other words.

use super::Slip;
use super::metrics::{Improving, replaced};
use super::stuck::Stuck;
use crate::diagnostic::quoted;

/// The metric of the first condition of a policy.
fn metric_of(policy: &str) -> Option<&str> {
    let after = policy.split_once("when ")?.1.trim_start();
    let end = after.find(|sign: char| !(sign.is_alphanumeric() || sign == '_'))?;
    after.get(..end).filter(|metric| !metric.is_empty())
}

/// `restore best`, `restore val_loss`, `restore min val_loss`
pub(super) fn restoring(stuck: &Stuck<'_>, restore: usize) -> Option<Slip> {
    let (first, second) = (stuck.get(restore + 1), stuck.get(restore + 2));
    let best = match first.text.to_lowercase().as_str() {
        "min" | "minimum" | "minimal" | "smallest" | "least" | "low" => Some("lowest"),
        "max" | "maximum" | "maximal" | "largest" | "greatest" | "high" | "top" => Some("highest"),
        _ => None,
    };
    let is_metric = |text: &str| !matches!(text, "" | "," | ";" | "}" | "weights" | "checkpoint");
    let of_metric = |metric: &str| Improving::of(metric.trim_matches('"')).map(Improving::best);
    if let Some(best) = best {
        return Some(replaced(stuck, restore + 1, restore + 2, best).surely());
    }
    if matches!(first.text, "lowest" | "highest") {
        return (!is_metric(second.text)).then(|| without_metric(stuck, restore));
    }
    let is_best = matches!(first.text, "best" | "the");
    let metric = if is_best { second.text } else { first.text };
    if is_metric(metric) {
        let last = if is_best { restore + 2 } else { restore + 1 };
        if let Some(best) = of_metric(metric) {
            let start = stuck.get(restore + 1).span;
            return Some(
                Slip::new(start, format!("`restore {}`", stuck.slice(restore + 1, last + 1)))
                    .label("the best is `lowest` or `highest`")
                    .help(format!("write `restore {best} {metric}`"))
                    .replace(stuck.span(restore + 1, last + 1), format!("{best} {metric}")),
            );
        }
    }
    let is_thing = matches!(second.text, "weights" | "checkpoint" | "model" | "epoch");
    let end = if is_thing { restore + 3 } else { restore + 2 };
    let end = end.min(stuck.end());
    let named = metric_of(stuck.policy()).and_then(|metric| Some((metric, of_metric(metric)?)));
    let slip = Slip::new(
        stuck.span(restore, end),
        format!("{} of which metric?", quoted(stuck.slice(restore, end))),
    )
    .label("expected `lowest` or `highest` and a metric");
    Some(match named {
        Some((metric, best)) => slip
            .help(format!("write `restore {best} {metric}`"))
            .replace(stuck.span(restore + 1, end), format!("{best} {metric}")),
        None => slip.note(
            "write `restore lowest val_loss` for a metric that is better when it is lower, or \
             `restore highest val_acc` for one that is better when it is higher",
        ),
    })
}

/// `restore lowest`
fn without_metric(stuck: &Stuck<'_>, restore: usize) -> Slip {
    let best = stuck.get(restore + 1);
    let slip =
        Slip::new(stuck.span(restore, restore + 2), format!("the {} of which metric?", best.text))
            .label("a metric follows this");
    match metric_of(stuck.policy()) {
        Some(metric) => slip
            .help(format!("write `restore {} {metric}`", best.text))
            .insert(best.span.end, format!(" {metric}")),
        None => slip.note(format!("write its name, as in `restore {} val_loss`", best.text)),
    }
}
