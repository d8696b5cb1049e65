//! The layout of a plan's table: its columns are as wide as a line allows.

/// The columns of words, which are aligned to the left.
const WORDS: [usize; 3] = [0, 1, 5];

/// The columns whose cells may take several lines.
const WRAPPED: [usize; 2] = [1, 5];

/// The characters between columns.
const GAP: &str = "  ";

/// How wide each column of a table is.
pub(super) struct TableLayout<const N: usize> {
    widths: [usize; N],
}

impl<const N: usize> TableLayout<N> {
    /// The layout for rows, of which the first has the heads, in lines of at most `line` characters,
    /// or of as many as the longest words need.
    pub(super) fn new(rows: &[[String; N]], line: usize) -> Self {
        let longest = |column: usize, of: fn(&str) -> usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| of(cell)).max().unwrap_or_default()
        };
        let whole = std::array::from_fn(|column| longest(column, length));
        let gaps = GAP.len() * N.saturating_sub(1);
        let total = |widths: &[usize; N]| widths.iter().sum::<usize>() + gaps;
        if total(&whole) <= line {
            return Self { widths: whole };
        }
        // The least of each column; what is left of the line goes to the columns that may wrap.
        let mut widths = std::array::from_fn(|column| {
            if WRAPPED.contains(&column) {
                longest(column, longest_word)
            } else {
                let cells = rows.iter().skip(1).filter_map(|row| row.get(column));
                let head = rows.first().and_then(|row| row.get(column));
                let head = head.map_or(0, |head| longest_word(head));
                cells.map(|cell| length(cell)).max().unwrap_or_default().max(head)
            }
        });
        let mut left = line.saturating_sub(total(&widths));
        while left > 0 {
            let narrow =
                WRAPPED.into_iter().filter(|column| widths.get(*column) < whole.get(*column));
            let narrowest = narrow.min_by_key(|column| widths.get(*column).copied());
            let Some(width) = narrowest.and_then(|column| widths.get_mut(column)) else { break };
            *width += 1;
            left -= 1;
        }
        Self { widths }
    }

    /// The rows as text.
    pub(super) fn print(&self, rows: &[[String; N]]) -> String {
        let mut text = String::new();
        for row in rows {
            let cells: Vec<Vec<String>> =
                row.iter().zip(self.widths).map(|(cell, width)| wrapped(cell, width)).collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or_default();
            for at in 0..height {
                let line: Vec<String> = cells
                    .iter()
                    .zip(self.widths)
                    .enumerate()
                    .map(|(column, (cell, width))| {
                        let part = cell.get(at).map_or("", String::as_str);
                        if WORDS.contains(&column) {
                            format!("{part:<width$}")
                        } else {
                            format!("{part:>width$}")
                        }
                    })
                    .collect();
                text.push_str(line.join(GAP).trim_end());
                text.push('\n');
            }
        }
        text
    }
}

/// The cell in lines of at most `width` characters, broken between the elements of a list, else between
/// words.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    if length(cell) <= width {
        return vec![cell.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    for part in parts(cell) {
        match lines.last_mut() {
            Some(line) if length(line) + length(part.trim_end()) <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The elements of a list, or the words, each with the space after it.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split_inclusive(if cell.contains(", ") { ", " } else { " " })
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn longest_word(text: &str) -> usize {
    parts(text).map(|part| length(part.trim_end())).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [[&str; 7]; 2] = [
        ["rule", "when", "parameters", "numbers", "share", "learning rate", "optimizer state"],
        ["a", "when val_loss stops falling", "2", "12", "4.4 %", "1e-3 -> 0, 1e-2 -> 0", "2.1 MB"],
    ];

    fn table(line: usize) -> String {
        let rows = ROWS.map(|row| row.map(str::to_owned));
        TableLayout::new(&rows, line).print(&rows)
    }

    #[test]
    fn a_wide_line_has_each_cell_in_one_line() {
        assert_eq!(table(200).lines().count(), 2);
        assert_eq!(table(200), table(usize::MAX));
    }

    #[test]
    fn a_narrow_line_is_kept_and_no_word_is_lost() {
        for line in 70..120 {
            let table = table(line);
            assert!(table.lines().all(|text| length(text) <= line), "{line}\n{table}");
            for word in ROWS.iter().flatten().flat_map(|cell| cell.split(' ')) {
                assert!(table.contains(word), "{word}\n{table}");
            }
        }
        assert!(table(70).contains("1e-3 -> 0,"), "{}", table(70));
    }
}
