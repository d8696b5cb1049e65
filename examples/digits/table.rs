//! What came of each strategy, as a table.

use freeze_examples::Spread;
use freeze_examples::table::{Table, thousands};

use crate::Outcome;

/// A row a strategy.
pub(crate) fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new([
        "strategy",
        "accuracy on the rest",
        "seconds",
        "parameters trained",
        "optimizer state",
    ]);
    for Outcome { strategy, runs } in outcomes {
        let accuracy = Spread::of(runs.iter().map(|run| 100.0 * run.final_accuracy()));
        let seconds = Spread::of(runs.iter().map(|run| run.seconds));
        let Some(run) = runs.first() else { continue };
        table.row([
            strategy.name.to_owned(),
            format!("{:.1} % ± {:.1}", accuracy.mean, accuracy.deviation),
            format!("{:.2}", seconds.mean),
            first_to_last(run.fired.iter().map(|fired| fired.trained)),
            format!("{} bytes", first_to_last(run.optimizer_bytes.iter().copied())),
        ]);
    }
    table
}

/// What it was at first and what it was at last, where that differs.
fn first_to_last(mut counts: impl Iterator<Item = usize>) -> String {
    let first = counts.next().unwrap_or(0);
    match counts.last().filter(|last| *last != first) {
        Some(last) => format!("{} to {}", thousands(first), thousands(last)),
        None => thousands(first),
    }
}
