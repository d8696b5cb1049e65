//! The records of a simulation as a table for a person.

use std::io::{self, Write};

use freeze_dsl::diagnostic::visible;
use freeze_dsl::plan::Plan;
use freeze_dsl::simulate::Record;

use crate::plan::shown;

/// Writes records as lines of a table, one at a time.
pub(crate) struct RecordTable {
    parameters: usize,
    has_steps: bool,
}

/// The learning rates of a record are in so many characters.
const RATES: usize = 22;

impl RecordTable {
    pub(crate) fn new(plan: &Plan, has_steps: bool) -> Self {
        Self { parameters: plan.model().parameters().len(), has_steps }
    }

    /// Writes the heads of the columns.
    pub(crate) fn begin(&self, out: &mut dyn Write) -> io::Result<()> {
        let step = if self.has_steps { format!("{:>8}  ", "step") } else { String::new() };
        let trains = self.trains_width();
        writeln!(
            out,
            "epoch  {step}{:>trains$}  {:<RATES$}  {:>6}  rules that fired",
            "trains", "learning rate", "groups"
        )
    }

    fn trains_width(&self) -> usize {
        (2 * self.parameters.to_string().len() + 4).max(6)
    }

    /// Writes a record.
    pub(crate) fn write(&self, record: &Record, out: &mut dyn Write) -> io::Result<()> {
        let step = match record.step {
            Some(step) if self.has_steps => format!("{step:>8}  "),
            _ => String::new(),
        };
        let trains = format!("{} of {}", record.trainable.len(), self.parameters);
        let width = self.trains_width();
        let rates = rates(record);
        let groups = record.groups.len();
        let mut fired = record.fired.join(", ");
        if record.stopped {
            let apart = if fired.is_empty() { "" } else { "; " };
            fired = format!("{fired}{apart}training is over");
        }
        let line = format!(
            "{:>5}  {step}{trains:>width$}  {rates:<RATES$}  {groups:>6}  {fired}",
            record.epoch
        );
        writeln!(out, "{}", visible(line.trim_end()))
    }
}

/// The learning rates: each one, or from the lowest to the highest.
fn rates(record: &Record) -> String {
    let mut rates: Vec<f64> = record.groups.iter().filter_map(|group| group.lr).collect();
    let is_program = rates.len() < record.groups.len();
    rates.sort_unstable_by(f64::total_cmp);
    rates.dedup();
    match rates.as_slice() {
        [] if is_program => "the program's".to_owned(),
        [] => "-".to_owned(),
        [one] => shown(*one),
        [one, other] => format!("{}, {}", shown(*one), shown(*other)),
        [lowest, .., highest] => format!("{} to {}", shown(*lowest), shown(*highest)),
    }
}
