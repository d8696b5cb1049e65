//! What came of each strategy, as a table.

use freeze_examples::Spread;
use freeze_examples::table::Table;

use crate::Outcome;
use crate::train::Run;

/// A row a strategy.
pub(crate) fn table(outcomes: &[Outcome]) -> Table {
    let mut table =
        Table::new(["strategy", "accuracy on the rest", "validation loss", "epochs", "seconds"]);
    for Outcome { strategy, runs } in outcomes {
        let spread = |value: fn(&Run) -> f64| Spread::of(runs.iter().map(value));
        let accuracy = spread(|run| 100.0 * run.accuracy);
        let kept = spread(|run| run.kept);
        let epochs = spread(|run| f64::from(u32::try_from(run.epochs()).unwrap_or(u32::MAX)));
        let seconds = spread(|run| run.seconds);
        table.row([
            strategy.name.to_owned(),
            format!("{:.1} % ± {:.1}", accuracy.mean, accuracy.deviation),
            format!("{:.2} ± {:.2}", kept.mean, kept.deviation),
            format!("{:.0} ± {:.0}", epochs.mean, epochs.deviation),
            format!("{:.2} ± {:.2}", seconds.mean, seconds.deviation),
        ]);
    }
    table
}
