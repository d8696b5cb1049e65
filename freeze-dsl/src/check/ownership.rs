//! Checks that each sequence of rules keeps to the parameters that it owns.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, DiagnosticSink, Reported, readable};
use crate::index::{SequenceId, SliceId, SliceSet};
use crate::ir::{LoweredAction, LoweredRule};
use crate::plan::{BoundPolicy, BoundSequence};
use crate::source::{Span, Spanned};
use crate::vocabulary::READY_MADE;

/// Reports tracks that own the same, tensors and modules of which a track owns a part, and actions on
/// what their sequence does not own. Returns whether there is any.
pub(crate) fn ownership(bound: &BoundPolicy, text: &str, sink: &mut DiagnosticSink) -> bool {
    if bound.sequences.len() == 1 {
        return false;
    }
    let owners = vec![None; bound.table.len()];
    let mut check = OwnershipCheck { bound, text, owners, reported: None, sink };
    if bound.has_owners() {
        check.scopes();
        check.names_of_tensors();
        check.modules();
        for (of, rule) in check.rules() {
            check.targets(of, rule);
        }
    }
    check.ending_curves();
    check.reported.is_some()
}

struct OwnershipCheck<'b, 's> {
    bound: &'b BoundPolicy,
    text: &'b str,
    /// The track that owns each slice.
    owners: Vec<Option<SequenceId>>,
    reported: Option<Reported>,
    sink: &'s mut DiagnosticSink,
}

impl<'b> OwnershipCheck<'b, '_> {
    /// All rules, with their sequences.
    fn rules(&self) -> impl Iterator<Item = (&'b BoundSequence, &'b LoweredRule)> + use<'b> {
        let bound = self.bound;
        bound.sequences.iter().flat_map(move |of| {
            let rules = bound.rules.get(of.rules.clone()).unwrap_or_default();
            rules.iter().map(move |rule| (of, rule))
        })
    }

    /// Records what each track owns; reports two tracks that own the same.
    fn scopes(&mut self) {
        let mut reported = HashSet::new();
        let tracks = self.bound.sequence_ids().zip(&self.bound.sequences).skip(1);
        for (id, of) in tracks.filter(|(_, of)| !of.is_ownerless) {
            for slice in of.owned.iter().flat_map(SliceSet::iter) {
                let Some(owner) = self.owners.get_mut(slice.index()) else { continue };
                match *owner {
                    None => *owner = Some(id),
                    Some(other) if reported.insert((other, id)) => {
                        let first = self.bound.sequence(other);
                        // That both have one name is reported already.
                        if first.is_some_and(|it| it.name == of.name && it.owned == of.owned) {
                            continue;
                        }
                        let message = format!("two tracks own `{}`", self.bound.name(slice));
                        let finding = Diagnostic::new(Code::NotOwned, of.span, message)
                            .label("this track owns it as well");
                        let finding = match first.filter(|first| first.span != of.span) {
                            Some(first) => finding.also(first.span, "the first that owns it"),
                            None => finding.note("each turn of the loop makes a track"),
                        };
                        self.reported = Some(of.trace.report(finding, self.sink));
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn owner(&self, slice: SliceId) -> Option<SequenceId> {
        self.owners.get(slice.index()).copied().flatten()
    }

    /// How messages call the owner of a slice.
    fn shown_owner(&self, slice: SliceId) -> String {
        let track = self.owner(slice).and_then(|id| self.bound.sequence(id)?.name.as_ref());
        track.map_or("no track".to_owned(), |name| format!("track `{name}`"))
    }

    /// The first track among the owners of these slices.
    fn first_track(&self, slices: [SliceId; 2]) -> Option<&'b BoundSequence> {
        let owner = slices.into_iter().filter_map(|slice| self.owner(slice)).min()?;
        self.bound.sequence(owner)
    }

    /// Tensors with several names, of which a track owns some.
    fn names_of_tensors(&mut self) {
        for (alias, first) in self.bound.same.iter().copied() {
            if self.owner(alias) != self.owner(first) {
                self.torn_tensor(alias, first);
            }
        }
    }

    fn torn_tensor(&mut self, alias: SliceId, first: SliceId) {
        let Some(track) = self.first_track([alias, first]) else { return };
        let name = |slice| self.bound.name(slice);
        let message =
            format!("`{}` and `{}` are one tensor, with two owners", name(first), name(alias));
        let finding = Diagnostic::new(Code::NotOwned, track.span, message)
            .label("a track owns a tensor under all of its names, or not at all")
            .note(format!(
                "{} owns `{}`, and {} owns `{}`",
                self.shown_owner(first),
                name(first),
                self.shown_owner(alias),
                name(alias)
            ));
        self.reported = Some(track.trace.report(finding, self.sink));
    }

    /// Modules with running statistics, of whose own parameters a track owns some.
    fn modules(&mut self) {
        let bound = self.bound;
        for (module, deciding) in bound.modules.iter().zip(&bound.deciding) {
            // Where it has none, those around it decide about its statistics.
            let is_own = |slice: &SliceId| {
                let name = bound.name(*slice);
                let own = name.strip_prefix(module.as_str());
                own.is_some_and(|own| !own.trim_start_matches('.').contains('.'))
            };
            let mut own = deciding.iter().filter(is_own);
            let Some(first) = own.next() else { continue };
            let Some(other) = own.find(|slice| self.owner(*slice) != self.owner(first)) else {
                continue;
            };
            let Some(track) = self.first_track([first, other]) else { continue };
            let message = format!("`{module}` has running statistics and two owners");
            let finding = Diagnostic::new(Code::NotOwned, track.span, message)
                .label("a track owns such a module as a whole, or not at all")
                .note(format!(
                    "{} owns `{}`, and {} owns `{}`",
                    self.shown_owner(first),
                    bound.name(first),
                    self.shown_owner(other),
                    bound.name(other)
                ))
                .guess("let the track own all of it", self.whole_module(track, module));
            self.reported = Some(track.trace.report(finding, self.sink));
        }
    }

    /// A module in place of a scope that is a path in it.
    fn whole_module(&self, track: &BoundSequence, module: &str) -> Option<(Span, String)> {
        let scope = self.text.get(track.span.range())?;
        let within = scope.strip_prefix(module)?.strip_prefix('.')?;
        let is_path = !within.contains([' ', ',', '"']) && track.trace.is_empty();
        is_path.then(|| (track.span, module.to_owned()))
    }

    /// Actions on what their sequence does not own.
    fn targets(&mut self, of: &BoundSequence, rule: &LoweredRule) {
        let Some(owned) = of.owned.as_ref().filter(|_| !of.is_ownerless) else { return };
        for targets in rule.actions.iter().filter_map(|action| action.value.targets()) {
            let selected = targets.value.most(&self.bound.table);
            if selected.is_subset(owned) {
                continue;
            }
            let mut outside = selected.clone();
            outside.difference_with(owned);
            let Some(first) = outside.iter().next() else { continue };
            let written = readable(self.text.get(targets.span.range()).unwrap_or_default());
            let message = match &of.name {
                Some(name) => {
                    format!("`{written}` has parameters that track `{name}` does not own")
                }
                None => format!("`{written}` has parameters that a track owns"),
            };
            let label = match (&of.name, self.owner(first)) {
                (_, Some(_)) => {
                    format!("{} owns `{}`", self.shown_owner(first), self.bound.name(first))
                }
                (_, None) => format!("such as `{}`", self.bound.name(first)),
            };
            let edit = (!selected.is_disjoint(owned))
                .then(|| self.limit(of, rule, targets.span, &outside))
                .flatten();
            let finding = Diagnostic::new(Code::NotOwned, targets.span, message)
                .label(label)
                .guess("limit it to what is owned here", edit);
            self.reported = Some(rule.trace.report(finding, self.sink));
        }
    }

    /// The targets limited to what their sequence owns.
    fn limit(
        &self,
        of: &BoundSequence,
        rule: &LoweredRule,
        targets: Span,
        outside: &SliceSet,
    ) -> Option<(Span, String)> {
        let written = self.text.get(targets.range())?;
        let is_one = |text: &str| {
            !text.contains(',')
                && !text.split_whitespace().any(|word| matches!(word, "in" | "except"))
        };
        let in_parentheses = |text: &str| {
            if is_one(text) { text.to_owned() } else { format!("({text})") }
        };
        if !rule.is_written_once {
            return None;
        }
        let written = in_parentheses(written);
        let scope = |of: &BoundSequence| Some(in_parentheses(self.text.get(of.span.range())?));
        if of.name.is_some() {
            return Some((targets, format!("{written} in {}", scope(of)?)));
        }
        let mut owners: Vec<SequenceId> =
            outside.iter().filter_map(|slice| self.owner(slice)).collect();
        owners.sort_unstable();
        owners.dedup();
        // Here, a ready-made name is without what tracks own.
        let is_cut = |text: &str| READY_MADE.iter().any(|name| text.contains(&format!("@{name}")));
        let scopes = owners.into_iter().map(|owner| {
            let track = self.bound.sequence(owner)?;
            scope(track).filter(|text| track.trace.is_empty() && !is_cut(text))
        });
        let scopes = scopes.collect::<Option<Vec<_>>>()?.join(", ");
        Some((targets, format!("{written} except {scopes}")))
    }

    /// Learning rates that a track without a scope gives to parameters whose own curve may freeze them:
    /// whether it does would depend on the order of the tracks.
    fn ending_curves(&mut self) {
        let bound = self.bound;
        let mut ending = SliceSet::with_capacity(bound.table.len());
        if bound.defaults.lr_curve().is_some_and(|lr| lr.then_freeze) {
            ending.fill();
        }
        let actions = |ownerless: bool| {
            let rules = self.rules().filter(move |(of, _)| of.is_ownerless == ownerless);
            rules.flat_map(|(_, rule)| rule.actions.iter().map(move |action| (rule, action)))
        };
        let lr = |action: &'b Spanned<LoweredAction>| match &action.value {
            LoweredAction::On { targets, options, .. } => {
                Some((targets, options.lr.as_ref()?.span, options.lr_curve()?))
            }
            _ => None,
        };
        for (_, action) in actions(false) {
            if let Some((targets, ..)) = lr(action).filter(|(_, _, curve)| curve.then_freeze) {
                ending.union_with(&targets.value.most(&bound.table));
            }
        }
        if ending.is_clear() {
            return;
        }
        let found: Vec<_> = actions(true)
            .filter_map(|(rule, action)| {
                let (targets, place, _) = lr(action)?;
                let mut both = targets.value.most(&bound.table);
                both.intersect_with(&ending);
                Some((rule, place, both.iter().next()?))
            })
            .collect();
        for (rule, place, slice) in found {
            let message = format!(
                "`{}` may be frozen by the end of its curve, which this would replace",
                bound.name(slice)
            );
            let finding = Diagnostic::new(Code::NotOwned, place, message)
                .label("a track without `in` changes no trainable parameters")
                .note("scale the learning rate instead, as in `lr * 0.1`");
            self.reported = Some(rule.trace.report(finding, self.sink));
        }
    }
}
