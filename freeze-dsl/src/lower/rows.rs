//! Rows of a parameter: `rows [5, 17, 128000..] of embed.weight`.

use std::ops::Range;

use super::Lowering;
use super::numbers::in_place;
use crate::ast::{Bounds, Rows};
use crate::diagnostic::{Code, Diagnostic};
use crate::select::{BoundRange, Selection};
use crate::source::{Span, Spanned};

impl Lowering<'_, '_> {
    pub(super) fn rows(&mut self, rows: &Rows, place: Span) -> Selection {
        let Rows { bounds, of } = rows;
        let ranges: Vec<Option<BoundRange>> =
            bounds.iter().map(|bounds| self.bounds(bounds, "a row")).collect();
        let Some(pattern) = self.pattern(of) else { return Selection::unknown() };
        let of_place = of.iter().map(|segment| segment.span).reduce(Span::to).unwrap_or(place);
        let (model, parameters) = match (self.model, self.select(&pattern, of_place)) {
            (Some(model), Selection::Parameters(parameters)) => (model, parameters),
            (_, Selection::Absent) => return Selection::Absent,
            _ => return Selection::unknown(),
        };
        let mut found = parameters.iter();
        let (Some(name), None) = (found.next(), found.next()) else {
            let finding =
                Diagnostic::new(Code::RowsOutside, of_place, "`rows` are those of one parameter")
                    .label(format!("this selects {}", parameters.iter().count()));
            let first = parameters.iter().next().and_then(|name| model.name(name));
            self.report(match first {
                Some((first, _)) => {
                    finding.note(format!("name one of them, as in `rows … of {first}`"))
                }
                None => finding,
            });
            return Selection::unknown();
        };
        let all = model.rows(name);
        let mut chosen = Vec::with_capacity(ranges.len());
        for (bounds, range) in bounds.iter().zip(ranges) {
            let Some(range) = range else { return Selection::unknown() };
            let Some(inside) = all.and_then(|all| inside(range, all)) else {
                let place = if rows.bounds.len() == 1 { place } else { bounds.span };
                self.outside(bounds, range, all, place, of_place);
                return Selection::unknown();
            };
            chosen.push(inside);
        }
        Selection::Rows { name, rows: merged(chosen) }
    }

    /// Reports rows that a parameter does not have.
    fn outside(
        &mut self,
        bounds: &Spanned<Bounds>,
        range: BoundRange,
        all: Option<usize>,
        place: Span,
        of: Span,
    ) {
        let past = all.map_or(0, |all| all as u64);
        let (start, end) = (range.start.of(past, 0), range.end.of(past, past));
        let last_row = match &bounds.value {
            Bounds::Range { end: Some(written), inclusive, .. } => {
                let is_below = start.is_some_and(|start| start < past && Some(start) < end);
                let last = past.saturating_sub(u64::from(*inclusive));
                in_place(written, &last).filter(|_| is_below)
            }
            _ => None,
        };
        let asked = match (start, end) {
            (Some(row), Some(end)) if row.checked_add(1) == Some(end) => format!("row {row}"),
            (Some(start), Some(end)) if start == end => {
                format!("rows {start}..{end} are none, since the end of `..` is left out")
            }
            (Some(start), Some(end)) if start > end => {
                format!("rows {start}..{end} end before they begin")
            }
            (Some(start), Some(end)) => format!("rows {start}..{end}"),
            _ => format!("`{}`", self.slice(bounds.span)),
        };
        let has = match all {
            Some(rows) => format!("its first dimension has {rows}"),
            None => "it has no dimension".to_owned(),
        };
        self.report(
            Diagnostic::new(
                Code::RowsOutside,
                place,
                format!("`{}` has no such rows", self.slice(of)),
            )
            .label(format!("{asked}; {has}"))
            .guess("end at the last row", last_row),
        );
    }
}

/// The rows of a range, if the first dimension has them all and there are any.
fn inside(range: BoundRange, all: usize) -> Option<Range<usize>> {
    let past = all as u64;
    let start = usize::try_from(range.start.of(past, 0)?).ok()?;
    let end = usize::try_from(range.end.of(past, past)?).ok()?;
    (start < end && end <= all).then_some(start..end)
}

/// The ranges in order, those that touch or overlap as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
