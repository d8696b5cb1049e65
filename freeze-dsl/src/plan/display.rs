//! A plan as a readable table.

use std::fmt;

use super::memory::OptimizerMemory;
use super::rates::rates;
use super::table_layout::TableLayout;
use super::{AppliedRule, Plan};
use crate::index::RuleId;

const COLUMNS: usize = 7;

/// The heads of the columns.
const HEADS: [&str; COLUMNS] =
    ["rule", "when", "parameters", "numbers", "share", "learning rate", "optimizer state"];

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table(usize::MAX))
    }
}

impl Plan {
    /// The table that a plan is printed as, with lines of at most `width` characters where its words
    /// allow that: triggers, learning rates and heads take several lines then.
    #[must_use]
    pub fn table(&self, width: usize) -> String {
        let memory = OptimizerMemory::new(self.bound(), self.model());
        let mut rows = vec![HEADS.map(String::from)];
        self.bound().walk(|index, _, _, applied| {
            rows.extend(self.cells(index, applied, &memory));
        });
        TableLayout::new(&rows, width).print(&rows)
    }

    /// The trigger of a rule, as it is written, on one line.
    pub(crate) fn trigger(&self, rule: RuleId) -> String {
        let span = self.bound().rule(rule).map(|rule| rule.trigger.span);
        let written = span.map_or("", |span| self.policy().source().slice(span));
        written.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The cells of a rule's row.
    fn cells(
        &self,
        index: usize,
        applied: &AppliedRule<'_>,
        memory: &OptimizerMemory<'_>,
    ) -> Option<[String; COLUMNS]> {
        let bound = self.bound();
        let (row, id) = (self.rows().get(index)?, RuleId::new(index));
        let of = bound.sequence(bound.sequence_of(id))?;
        let (name, trigger) = (row.rule.clone(), self.trigger(id));
        if of.is_ownerless {
            // It changes options alone.
            let mut cells = [const { String::new() }; COLUMNS];
            let [of_name, of_trigger, ..] = &mut cells;
            (*of_name, *of_trigger) = (name, trigger);
            return Some(cells);
        }
        let after = &applied.after;
        let trains = of.part_of(&after.trains);
        let bytes = memory.bytes(after, &of.part_of(&after.with_state()));
        Some([
            name,
            trigger,
            row.trainable.to_string(),
            row.trainable_elements.to_string(),
            percentage(row.trainable_elements, bound.all_elements()),
            rates(bound, after, &trains),
            bytes.map_or_else(|| "the program's".to_owned(), in_bytes),
        ])
    }
}

/// An amount of memory with a unit, with one decimal below ten units.
fn in_bytes(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "an amount with two digits")]
    let mut amount = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if amount < 999.5 {
            break;
        }
        (amount, unit) = (amount / 1000.0, larger);
    }
    let decimals = usize::from(amount < 9.95 && unit != "B");
    format!("{amount:.decimals$} {unit}")
}

/// A number of at most four digits.
pub(crate) fn shortened(value: f64) -> String {
    let short = format!("{value:.3e}").parse().unwrap_or(value);
    if short == 0.0 || (0.1..10_000.0).contains(&short.abs()) || !short.is_finite() {
        format!("{short}")
    } else {
        format!("{short:e}")
    }
}

/// An amount as a percentage of the whole, with one decimal; two significant digits below 1 %.
pub(crate) fn percentage(amount: usize, whole: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage with a few digits")]
    let percent = if whole == 0 { 0.0 } else { 100.0 * amount as f64 / whole as f64 };
    if amount > 0 && percent < 1.0 {
        let mut decimals = 1;
        let mut digit = percent * 10.0;
        while digit < 1.0 {
            digit *= 10.0;
            decimals += 1;
        }
        let shown = format!("{percent:.*}", decimals + 1);
        return format!("{} %", shown.trim_end_matches('0'));
    }
    match format!("{percent:.1}").as_str() {
        "100.0" if amount < whole => "99.9 %".to_owned(),
        shown => format!("{shown} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::{in_bytes, percentage};

    #[test]
    fn a_small_part_is_not_shown_as_none_and_a_large_one_not_as_all() {
        assert_eq!(percentage(0, 9), "0.0 %");
        assert_eq!(percentage(1, 8), "12.5 %");
        assert_eq!(percentage(513, 1_000_000), "0.051 %");
        assert_eq!(percentage(1, 200), "0.5 %");
        assert_eq!(percentage(1, 100_000_000), "0.000001 %");
        assert_eq!(percentage(99_999, 100_000), "99.9 %");
        assert_eq!(percentage(7, 7), "100.0 %");
    }

    #[test]
    fn an_amount_of_memory_has_two_digits() {
        let shown = [0, 7, 999, 1000, 9_949, 9_951, 999_499, 999_501, 4_096_000_000].map(in_bytes);
        let expected =
            ["0 B", "7 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "4.1 GB"];
        assert_eq!(shown, expected);
    }
}
