//! A plan as a table that a person can read.

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
                share(row.trainable_elements, total),
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

/// What part of a model that is, in percent.
pub(crate) fn share(part: usize, whole: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage with one decimal")]
    let percent = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    format!("{percent:.1} %")
}
