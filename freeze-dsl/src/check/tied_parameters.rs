//! Checks that a rule treats all names of one tensor alike.

use std::ops::Range;

use super::rule_effects::EffectCheck;
use crate::diagnostic::{Code, Diagnostic};
use crate::index::{SliceId, SliceSet};
use crate::plan::{AppliedRule, State};
use crate::source::Span;

impl EffectCheck<'_> {
    /// A tensor under two names that the rule treats differently.
    pub(super) fn tied(&mut self) {
        let differs = |state: &State, alias: SliceId, first: SliceId| {
            state.trains.contains(alias) != state.trains.contains(first)
                || state.trains.contains(alias) && !state.agree(alias, first)
        };
        // Reported at the rule that causes it, not again at every later rule.
        let newly = |(alias, first): &(SliceId, SliceId)| {
            differs(&self.applied.after, *alias, *first) && !differs(self.before, *alias, *first)
        };
        let Some((_, first)) = self.bound.same.iter().copied().find(newly) else { return };
        let names: Vec<String> =
            self.names_of(first).map(|slice| format!("`{}`", self.bound.name(slice))).collect();
        let Some((last, others)) = names.split_last() else { return };
        let AppliedRule { rule, selections, .. } = self.applied;
        let differs = |selection: &SliceSet| {
            let selected = self.names_of(first).filter(|slice| selection.contains(*slice)).count();
            selected > 0 && selected < names.len()
        };
        let mut touching = rule.actions.iter().zip(selections).filter_map(|(action, selection)| {
            let targets = action.value.targets().filter(|_| differs(selection))?;
            Some((targets.span, selection))
        });
        let touching = touching.next_back();
        let place = touching.map_or(rule.span, |(targets, _)| targets);
        // After `except`, the names would be taken away.
        let all = touching.filter(|(targets, _)| {
            let written = self.text.get(targets.range()).unwrap_or_default();
            rule.is_written_once && !written.contains("except")
        });
        let all = all.map(|(targets, selection)| {
            (Span::new(targets.start, targets.start), self.other_names(first, selection))
        });
        let apart = touching.and_then(|(_, selection)| self.apart(first, selection));
        self.found.push(
            Diagnostic::new(
                Code::TiedDifferently,
                place,
                format!("{} and {last} are one tensor, treated differently", others.join(", ")),
            )
            .label("this selects it under some of its names only")
            .note(match apart {
                Some(apart) => {
                    format!("name all of them, or leave all of them out with `except {apart}`")
                }
                None => "name all of them, or leave all of them out".to_owned(),
            })
            .guess("name all of them", all),
        );
    }

    /// The selected names of a tensor, if all of it and other parameters are selected.
    fn apart(&self, first: SliceId, selection: &SliceSet) -> Option<String> {
        let is_whole = self.bound.slice(first)?.rows.is_none();
        let own: Vec<SliceId> =
            self.names_of(first).filter(|slice| selection.contains(*slice)).collect();
        let mut others = self.bound.slice_ids().filter(|slice| !own.contains(slice));
        let names: Vec<String> =
            own.iter().map(|own| format!("{:?}", self.bound.name(*own))).collect();
        (is_whole && others.any(|slice| selection.contains(slice))).then(|| names.join(", "))
    }

    /// A slice under each name of its tensor.
    fn names_of(&self, first: SliceId) -> impl Iterator<Item = SliceId> {
        let others = self.bound.same.iter().filter(move |(_, of)| *of == first);
        std::iter::once(first).chain(others.map(|(alias, _)| *alias))
    }

    /// The names of a tensor, or rows of them, that a selection leaves out while it has others, each
    /// followed by a comma.
    fn other_names(&self, first: SliceId, selection: &SliceSet) -> String {
        let parameter = self.bound.parameter(first);
        let mut missing: Vec<(&str, Vec<Range<usize>>)> = Vec::new();
        for own in self.bound.slice_ids().filter(|slice| self.bound.parameter(*slice) == parameter)
        {
            let rows = self.bound.slice(own).and_then(|slice| slice.rows.clone());
            if !self.names_of(own).any(|slice| selection.contains(slice)) {
                continue;
            }
            for slice in self.names_of(own).filter(|slice| !selection.contains(*slice)) {
                let name = self.bound.name(slice);
                let at = missing.iter().position(|(known, _)| *known == name);
                let at = at.unwrap_or_else(|| {
                    missing.push((name, Vec::new()));
                    missing.len() - 1
                });
                let Some(((_, all), rows)) = missing.get_mut(at).zip(rows.clone()) else {
                    continue;
                };
                match all.last_mut().filter(|last| last.end == rows.start) {
                    Some(last) => last.end = rows.end,
                    None => all.push(rows),
                }
            }
        }
        let written = missing.iter().map(|(name, rows)| {
            let rows: Vec<String> =
                rows.iter().map(|rows| format!("{}..{}", rows.start, rows.end)).collect();
            match rows.as_slice() {
                [] => format!("{name:?}, "),
                [only] => format!("rows {only} of {name:?}, "),
                several => format!("rows [{}] of {name:?}, ", several.join(", ")),
            }
        });
        written.collect()
    }
}
