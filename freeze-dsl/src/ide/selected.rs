//! What a part of a text selects of a model, as editors show it.

use std::collections::HashSet;

use crate::index::{IdSet, ParamId, SliceId};
use crate::model::Model;
use crate::plan::percentage;
use crate::select::{NameIndex, Selection, SliceTable};

/// How many names are listed.
const LISTED: usize = 8;

/// What a selection has, at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) parameters: usize,
    pub(super) elements: usize,
    /// How many numbers the model has.
    total: usize,
    /// The names of the first parameters.
    names: Vec<String>,
    /// How many elements of how many a `sample` draws, if the selection is one.
    drawn: Option<(usize, usize)>,
    /// Whether it depends on the moment, so that these are the most that it can have.
    changes: bool,
}

impl Selected {
    /// What a selection has; `None` if that is unknown.
    pub(super) fn new(selection: &Selection, index: &NameIndex<'_>, model: &Model) -> Option<Self> {
        if !selection.is_known() {
            return None;
        }
        let parameter_of = |name| index.name(name).map(|(_, parameter)| parameter);
        let rows_of = |name| index.rows(name).unwrap_or_default();
        let selections = std::iter::once(selection);
        let table = SliceTable::new(index.len(), selections, parameter_of, rows_of);
        let all = model.parameters().len();
        let mut parameters: IdSet<ParamId> = IdSet::with_capacity(all);
        let mut slices: HashSet<(ParamId, usize)> = HashSet::new();
        let (mut count, mut elements, mut names) = (0, 0, Vec::new());
        for slice in selection.reach(&table).iter() {
            let Some((name, parameter, rows)) = named(slice, index, &table) else { continue };
            let is_new = !parameters.put(parameter);
            count += usize::from(is_new);
            // A tied parameter counts once.
            let is_counted = match &rows {
                Some(rows) => !slices.insert((parameter, rows.start)),
                None => !is_new,
            };
            if is_counted {
                continue;
            }
            let Some(whole) = model.parameters().get(parameter.index()) else { continue };
            let all_rows = whole.shape.first().copied().unwrap_or(1).max(1);
            elements += rows
                .as_ref()
                .map_or_else(|| whole.elements(), |rows| whole.elements() / all_rows * rows.len());
            if names.len() < LISTED {
                names.push(rows.map_or_else(
                    || name.to_owned(),
                    |rows| format!("{name}[{}..{}]", rows.start, rows.end),
                ));
            }
        }
        let drawn = match selection {
            Selection::Sample { elements, count, .. } => Some((*count, elements.len())),
            _ => None,
        };
        Some(Self {
            parameters: count,
            elements,
            total: model.parameters().iter().map(crate::model::Parameter::elements).sum(),
            names,
            drawn,
            changes: selection.changes(),
        })
    }

    /// "62 parameters".
    pub(super) fn count(&self) -> String {
        let upto = if self.changes { "at most " } else { "" };
        format!("{upto}{}", parameters(self.parameters))
    }

    /// All of it, as Markdown.
    pub(super) fn described(&self) -> String {
        let drawn = self.drawn.map_or(String::new(), |(count, of)| {
            format!("{count} of {of} elements, drawn at each firing: ")
        });
        let (numbers, share) = (grouped(self.elements), percentage(self.elements, self.total));
        let first = format!("{drawn}{}, {numbers} numbers, {share} of the model", self.count());
        let names = self.names.iter().map(|name| format!("- `{name}`"));
        let more = self.parameters.saturating_sub(self.names.len());
        let more = (more > 0).then(|| format!("- … and {more} more"));
        std::iter::once(first).chain(names).chain(more).collect::<Vec<_>>().join("\n")
    }
}

/// A slice's name, parameter and rows.
fn named<'m>(
    slice: SliceId,
    index: &NameIndex<'m>,
    table: &SliceTable,
) -> Option<(&'m str, ParamId, Option<std::ops::Range<usize>>)> {
    let (name, parameter) = index.name(table.name(slice)?)?;
    Some((name, parameter, table.rows(slice).cloned()))
}

/// "1 parameter", "62 parameters".
pub(super) fn parameters(count: usize) -> String {
    match count {
        1 => "1 parameter".to_owned(),
        _ => format!("{} parameters", grouped(count)),
    }
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        let shown = [0, 12, 123, 1_234, 12_345_678].map(grouped);
        assert_eq!(shown, ["0", "12", "123", "1,234", "12,345,678"]);
    }
}
