//! The results, as tables.

use freeze_examples::table::{Table, thousands};

use crate::compare::Part;
use crate::life::Life;

/// One row for each life.
pub(crate) fn lives(lives: &[Life]) -> Table {
    let mut table = Table::new([
        "life",
        "epochs at first",
        "epochs at last",
        "how it ends",
        "after",
        "what it leaves",
    ]);
    for (index, life) in lives.iter().enumerate() {
        let ends = match (life.killed, life.ended_while_saving()) {
            (true, true) => "killed while it saves",
            (true, false) => "killed while it trains",
            (false, _) => "by itself",
        };
        table.row([
            (index + 1).to_string(),
            life.from.to_string(),
            life.saved.to_string(),
            ends.to_owned(),
            format!("{:.0} ms", 1000.0 * life.time.as_secs_f64()),
            life.left.join(", "),
        ]);
    }
    table
}

/// One row for each file of the two checkpoints.
pub(crate) fn parts(parts: &[Part]) -> Table {
    let mut table = Table::new(["killed and unbroken", "bits", "that differ"]);
    let number = |bits: u64| thousands(usize::try_from(bits).unwrap_or(usize::MAX));
    for part in parts {
        table.row([part.name.to_owned(), number(part.bits), number(part.differing)]);
    }
    table
}
