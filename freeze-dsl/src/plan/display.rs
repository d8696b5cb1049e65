//! A plan as a readable table.

use std::fmt;

use super::Plan;
use crate::index::RuleId;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize =
            self.model().parameters().iter().map(crate::model::Parameter::elements).sum();
        let mut cells = vec![["rule", "when", "parameters", "numbers", "share"].map(String::from)];
        for (row, rule) in self.rows().iter().zip(&self.bound().rules) {
            let trigger = self.policy().source().slice(rule.trigger.span);
            let trigger = trigger.split_whitespace().collect::<Vec<_>>().join(" ");
            let id = self.bound().sequence_of(RuleId::new(cells.len() - 1));
            let counts = if self.bound().sequence(id).is_some_and(|of| of.is_ownerless) {
                // It changes options alone.
                [const { String::new() }; 3]
            } else {
                [
                    row.trainable.to_string(),
                    row.trainable_elements.to_string(),
                    percentage(row.trainable_elements, total),
                ]
            };
            let [parameters, numbers, share] = counts;
            cells.push([row.rule.clone(), trigger, parameters, numbers, share]);
        }
        let width = |column: usize| {
            cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        for row in &cells {
            let line: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(column, cell)| {
                    let width = width(column).unwrap_or_default();
                    if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                })
                .collect();
            writeln!(f, "{}", line.join("  ").trim_end())?;
        }
        Ok(())
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
    use super::percentage;

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
}
