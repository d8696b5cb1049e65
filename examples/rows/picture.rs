//! Which words moved, as a picture.

use freeze_examples::Spread;
use freeze_examples::chart::{HeatMap, Row};

use crate::Outcome;
use crate::language::{OLD_WORDS, WORDS};

/// One row for each strategy, one column for each word.
pub(crate) fn picture(outcomes: &[Outcome]) -> HeatMap {
    let row = |outcome: &Outcome| {
        let old = Spread::of(outcome.runs.iter().map(|run| 100.0 * run.old_accuracy));
        Row {
            label: outcome.strategy.name.to_owned(),
            note: format!("old text: {:.1} %", old.mean),
            values: outcome.runs.first().map_or(Vec::new(), |run| run.moved.clone()),
        }
    };
    HeatMap {
        title: "New words learn, old words keep every bit".to_owned(),
        subtitle: "How far each word's row of the embedding moved; the first run of each"
            .to_owned(),
        x: format!("words: {OLD_WORDS} old ones, {} new ones", WORDS - OLD_WORDS),
        column: 1,
        ticks: vec![0, OLD_WORDS.unsigned_abs(), WORDS.unsigned_abs()],
        values: "the root mean square of the change".to_owned(),
        zero: "frozen: not one bit changed".to_owned(),
        rows: outcomes.iter().map(row).collect(),
    }
}
