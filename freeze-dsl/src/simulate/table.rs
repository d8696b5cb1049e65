//! The table of the metrics that a training observes.

use std::collections::{HashMap, HashSet};

use super::TableError;

/// What is observed at the end of each epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    metrics: Vec<String>,
    /// The row of each epoch, a cell a metric; `None` where it is not observed.
    rows: HashMap<u64, Vec<Option<f64>>>,
}

impl Table {
    /// Reads a table from CSV (RFC 4180, <https://www.rfc-editor.org/rfc/rfc4180>): a line of
    /// names, one of them `epoch`, then a line an epoch, in any order. An empty cell is a metric
    /// that was not observed; `nan` is one that was, and is no number.
    ///
    /// # Errors
    /// The first line that is no line of such a table.
    pub fn from_csv(text: &str) -> Result<Self, TableError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, text)| Line { number: index + 1, text })
            .filter(|line| !line.text.trim().is_empty());
        let Some(head) = lines.next() else {
            let problem = "expected the names of the columns, such as `epoch,val_loss`".to_owned();
            return Err(TableError { line: 1, problem });
        };
        let names = head.cells()?;
        let mut seen = HashSet::new();
        for name in &names {
            if name.is_empty() {
                return Err(head.wrong("a column has no name"));
            }
            if !seen.insert(name) {
                return Err(head.wrong(format!("two columns are called `{name}`")));
            }
        }
        let Some(epochs) = names.iter().position(|name| name == "epoch") else {
            return Err(head.wrong("no column is called `epoch`"));
        };
        let mut rows = HashMap::new();
        for line in lines {
            let mut cells = line.cells()?;
            if cells.len() != names.len() {
                return Err(line.wrong(format!(
                    "{} where {} {} named",
                    counted(cells.len(), "cell"),
                    counted(names.len(), "column"),
                    if names.len() == 1 { "is" } else { "are" },
                )));
            }
            let epoch = cells.remove(epochs);
            let Ok(epoch) = epoch.parse() else {
                return Err(line.wrong(format!(
                    "`{epoch}` is no epoch: these are counted in whole numbers from 0"
                )));
            };
            let values = cells.iter().map(|cell| line.value(cell)).collect::<Result<_, _>>()?;
            if rows.insert(epoch, values).is_some() {
                return Err(line.wrong(format!("epoch {epoch} stands twice")));
            }
        }
        let mut metrics = names;
        metrics.remove(epochs);
        Ok(Self { metrics, rows })
    }

    /// Whether it has a column of this name.
    pub(super) fn has(&self, metric: &str) -> bool {
        self.metrics.iter().any(|known| known == metric)
    }

    /// What is observed at the end of an epoch, in the order of the columns.
    pub fn observed(&self, epoch: u64) -> impl Iterator<Item = (&str, f64)> {
        let row = self.rows.get(&epoch).map_or(&[][..], Vec::as_slice);
        let cells = self.metrics.iter().zip(row);
        cells.filter_map(|(metric, value)| Some((metric.as_str(), (*value)?)))
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A line of the text, counted from 1.
struct Line<'t> {
    number: usize,
    text: &'t str,
}

impl Line<'_> {
    fn wrong(&self, problem: impl Into<String>) -> TableError {
        TableError { line: self.number, problem: problem.into() }
    }

    fn value(&self, cell: &str) -> Result<Option<f64>, TableError> {
        if cell.is_empty() {
            return Ok(None);
        }
        let value = cell.parse();
        value.map(Some).map_err(|_| self.wrong(format!("`{cell}` is no number")))
    }

    /// The cells, white space around them left out. In quotes, a name may hold a comma.
    fn cells(&self) -> Result<Vec<String>, TableError> {
        let mut cells = Vec::new();
        let mut rest = self.text;
        loop {
            let (cell, behind) = if let Some(inside) = rest.trim_start().strip_prefix('"') {
                self.quoted(inside)?
            } else {
                let (cell, behind) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                (cell.trim().to_owned(), behind)
            };
            cells.push(cell);
            match behind.strip_prefix(',') {
                Some(more) => rest = more,
                None => return Ok(cells),
            }
        }
    }

    /// A cell in quotes, the first of which is gone; a doubled one stands for itself.
    fn quoted<'t>(&self, inside: &'t str) -> Result<(String, &'t str), TableError> {
        let mut cell = String::new();
        let mut rest = inside;
        while let Some((before, behind)) = rest.split_once('"') {
            cell.push_str(before);
            if let Some(more) = behind.strip_prefix('"') {
                cell.push('"');
                rest = more;
                continue;
            }
            let behind = behind.trim_start();
            return if behind.is_empty() || behind.starts_with(',') {
                Ok((cell, behind))
            } else {
                Err(self.wrong("expected `,` behind the closing quote"))
            };
        }
        Err(self.wrong("a quote is never closed"))
    }
}
