//! What came of each strategy, as a table.

use freeze_examples::Spread;
use freeze_examples::table::{Table, thousands};

use crate::Outcome;

/// A row a strategy.
pub(crate) fn table(outcomes: &[Outcome]) -> Table {
    let mut table =
        Table::new(["strategy", "accuracy on the rest", "seconds", "optimizer state, at most"]);
    for Outcome { strategy, runs } in outcomes {
        let accuracy = Spread::of(runs.iter().map(|run| 100.0 * run.accuracy));
        let seconds = Spread::of(runs.iter().map(|run| run.seconds));
        let bytes = runs.iter().map(|run| run.optimizer_bytes).max().unwrap_or(0);
        table.row([
            strategy.name.to_owned(),
            format!("{:.1} % ± {:.1}", accuracy.mean, accuracy.deviation),
            format!("{:.2} ± {:.2}", seconds.mean, seconds.deviation),
            format!("{} bytes", thousands(bytes)),
        ]);
    }
    table
}
