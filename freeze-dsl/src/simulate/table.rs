//! The table of the metrics that a simulated training observes.

use std::collections::{BTreeMap, HashSet};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::TableError;

/// The metrics that are observed at the end of each epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    metrics: Vec<String>,
    /// The values of each epoch, one for each metric; `None` if it is not observed.
    rows: BTreeMap<u64, Vec<Option<f64>>>,
}

impl Table {
    /// Reads a table from CSV (RFC 4180, <https://www.rfc-editor.org/rfc/rfc4180>): a line of
    /// column names, one of them `epoch`, then a line for each epoch, in any order. An empty cell
    /// is a metric that was not observed; `nan` is an observed metric that is not a number.
    ///
    /// # Errors
    /// The first line that is not valid.
    pub fn from_csv(text: &str) -> Result<Self, TableError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        check_quotes(text)?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(text.as_bytes());
        let mut lines = reader
            .records()
            .map(|record| Line::new(text, record))
            .filter(|line| !line.as_ref().is_ok_and(Line::is_blank));
        let Some(head) = lines.next().transpose()? else {
            let problem = "expected the names of the columns, such as `epoch,val_loss`".to_owned();
            return Err(TableError { line: 1, problem });
        };
        let (mut metrics, epochs) = head.columns()?;
        let columns = metrics.len();
        metrics.remove(epochs);
        let mut rows = BTreeMap::new();
        for line in lines {
            let line = line?;
            let (epoch, values) = line.row(epochs, columns)?;
            if rows.insert(epoch, values).is_some() {
                return Err(line.wrong(format!("epoch {epoch} is given twice")));
            }
        }
        Ok(Self { metrics, rows })
    }

    /// The names of its metrics, in the order of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(String::as_str)
    }

    /// The first epoch from this one on at whose end metrics are observed.
    pub(super) fn next_observed(&self, epoch: u64) -> Option<u64> {
        self.rows.range(epoch..).next().map(|(epoch, _)| *epoch)
    }

    /// The metrics that are observed at the end of an epoch, in the order of the columns.
    pub fn observed(&self, epoch: u64) -> impl Iterator<Item = (&str, f64)> {
        let row = self.rows.get(&epoch).map_or(&[][..], Vec::as_slice);
        let cells = self.metrics.iter().zip(row);
        cells.filter_map(|(metric, value)| Some((metric.as_str(), (*value)?)))
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A record of the table.
struct Line<'t> {
    text: &'t str,
    cells: StringRecord,
}

impl<'t> Line<'t> {
    fn new(text: &'t str, record: csv::Result<StringRecord>) -> Result<Self, TableError> {
        match record {
            Ok(cells) => Ok(Self { text, cells }),
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                let line = usize::try_from(line).unwrap_or(usize::MAX);
                Err(TableError { line, problem: error.to_string() })
            }
        }
    }

    /// Whether it has nothing but white space.
    fn is_blank(&self) -> bool {
        self.cells.len() == 1 && self.cells.iter().all(str::is_empty)
    }

    fn wrong(&self, problem: impl Into<String>) -> TableError {
        let start = self.cells.position().map_or(0, csv::Position::byte);
        let (before, from) =
            self.text.split_at_checked(usize::try_from(start).unwrap_or(0)).unwrap_or_default();
        // The position is that of the blank lines before the record.
        let blank = from.len() - from.trim_start_matches(['\r', '\n']).len();
        let blank = from.get(..blank).unwrap_or_default();
        let line = 1 + before.matches('\n').count() + blank.matches('\n').count();
        TableError { line, problem: problem.into() }
    }

    /// The names of the columns, and the index of `epoch` among them.
    fn columns(&self) -> Result<(Vec<String>, usize), TableError> {
        let mut seen = HashSet::new();
        for name in &self.cells {
            if name.is_empty() {
                return Err(self.wrong("a column has no name"));
            }
            if !seen.insert(name) {
                return Err(self.wrong(format!("two columns are called `{name}`")));
            }
        }
        match self.cells.iter().position(|name| name == "epoch") {
            Some(epochs) => Ok((self.cells.iter().map(str::to_owned).collect(), epochs)),
            None => Err(self.wrong(format!("the column `epoch` is missing{}", self.hint()))),
        }
    }

    /// What is there in place of the column `epoch`.
    fn hint(&self) -> String {
        let is_alone = self.cells.len() == 1;
        let first = self.cells.get(0).unwrap_or_default();
        if let Some(other) = [';', '\t'].into_iter().find(|sign| is_alone && first.contains(*sign))
        {
            let sign = if other == '\t' { "a tab" } else { "`;`" };
            return format!(": columns are separated by `,`, not by {sign}");
        }
        let similar = self.cells.iter().find(|name| name.eq_ignore_ascii_case("epoch"));
        similar.map_or_else(String::new, |name| format!("; write `epoch` for `{name}`"))
    }

    /// The epoch and the values of the metrics.
    fn row(&self, epochs: usize, columns: usize) -> Result<(u64, Vec<Option<f64>>), TableError> {
        if self.cells.len() != columns {
            return Err(self.wrong(format!(
                "{} where {} {} named",
                counted(self.cells.len(), "cell"),
                counted(columns, "column"),
                if columns == 1 { "is" } else { "are" },
            )));
        }
        let epoch = self.cells.get(epochs).unwrap_or_default();
        let Ok(epoch) = epoch.parse() else {
            return Err(
                self.wrong(format!("`{epoch}` is not an epoch: write a whole number from 0"))
            );
        };
        let metrics = self.cells.iter().enumerate().filter(|(column, _)| *column != epochs);
        Ok((epoch, metrics.map(|(_, cell)| self.value(cell)).collect::<Result<_, _>>()?))
    }

    fn value(&self, cell: &str) -> Result<Option<f64>, TableError> {
        if cell.is_empty() {
            return Ok(None);
        }
        let value = cell.parse();
        value.map(Some).map_err(|_| self.wrong(format!("`{cell}` is not a number")))
    }
}

/// Checks that every quote is closed and ends its cell, which the CSV reader does not.
fn check_quotes(text: &str) -> Result<(), TableError> {
    enum In {
        Start,
        Plain,
        Quotes,
        Closed,
    }
    let (mut place, mut line, mut opened) = (In::Start, 1, 1);
    for character in text.chars() {
        place = match (place, character) {
            (In::Start, '"') => {
                opened = line;
                In::Quotes
            }
            (In::Quotes, '"') => In::Closed,
            (In::Quotes, _) | (In::Closed, '"') => In::Quotes,
            (_, ',' | '\n') => In::Start,
            (In::Closed, character) if character.is_whitespace() => In::Closed,
            (In::Closed, _) => {
                let problem = "expected `,` after the closing quote".to_owned();
                return Err(TableError { line, problem });
            }
            (In::Start | In::Plain, _) => In::Plain,
        };
        line += usize::from(character == '\n');
    }
    match place {
        In::Quotes => {
            Err(TableError { line: opened, problem: "a quote is never closed".to_owned() })
        }
        _ => Ok(()),
    }
}
