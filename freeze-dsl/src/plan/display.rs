//! A plan as a readable table.

use std::fmt;

use super::Plan;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize =
            self.model().parameters().iter().map(crate::model::Parameter::elements).sum();
        let mut cells = vec![["rule", "when", "parameters", "numbers", "share"].map(String::from)];
        for (row, rule) in self.rows().iter().zip(&self.bound().rules) {
            let trigger = self.policy().source().slice(rule.trigger.span);
            cells.push([
                row.rule.clone(),
                trigger.split_whitespace().collect::<Vec<_>>().join(" "),
                row.trainable.to_string(),
                row.trainable_elements.to_string(),
                percentage(row.trainable_elements, total),
            ]);
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

/// An amount as a percentage of the whole.
pub(crate) fn percentage(amount: usize, whole: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage with one decimal")]
    let percent = if whole == 0 { 0.0 } else { 100.0 * amount as f64 / whole as f64 };
    format!("{percent:.1} %")
}
