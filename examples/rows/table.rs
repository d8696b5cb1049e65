//! What came of each strategy, as a table.

use freeze_examples::Spread;
use freeze_examples::table::{Table, thousands};

use crate::Outcome;
use crate::language::OLD_WORDS;
use crate::network::WIDTH;
use crate::train::Run;

/// A row a strategy.
pub(crate) fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new([
        "strategy",
        "right on new words",
        "right on old words",
        "differing bits of old words",
        "optimizer state",
        "seconds",
    ]);
    for Outcome { strategy, runs } in outcomes {
        let spread = |value: fn(&Run) -> f64| Spread::of(runs.iter().map(value));
        let percent = |value| {
            let Spread { mean, deviation } = spread(value);
            format!("{:.1} % ± {:.1}", 100.0 * mean, 100.0 * deviation)
        };
        let [bits, bytes]: [fn(&Run) -> u64; 2] =
            [|run| run.differing_bits, |run| run.optimizer_bytes.try_into().unwrap_or(u64::MAX)];
        let most = |value: fn(&Run) -> u64| {
            thousands(runs.iter().map(value).max().unwrap_or(0).try_into().unwrap_or(usize::MAX))
        };
        let seconds = spread(|run| run.seconds);
        table.row([
            strategy.name.to_owned(),
            percent(|run| run.new_accuracy),
            percent(|run| run.old_accuracy),
            format!("{} of {}", most(bits), thousands(old_bits())),
            format!("{} bytes", most(bytes)),
            format!("{:.2} ± {:.2}", seconds.mean, seconds.deviation),
        ]);
    }
    table
}

/// How many bits the rows of the old words have.
fn old_bits() -> usize {
    usize::try_from(OLD_WORDS * WIDTH).unwrap_or(0) * size_of::<f32>() * 8
}
