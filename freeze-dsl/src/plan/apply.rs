//! Applies the rules to a model, one after another, and checks what they do.

use fixedbitset::FixedBitSet;

use super::{Effect, Row};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Model;
use crate::policy::{Action, Options, Policy, Rule};
use crate::select::Selecting;
use crate::source::{Span, Spanned};

/// Which parameters train, and how.
#[derive(Clone)]
struct State {
    trains: FixedBitSet,
    options: Vec<Options>,
}

pub(super) fn rows(
    policy: &Policy,
    selecting: &Selecting<'_>,
    model: &Model,
    found: &mut Vec<Diagnostic>,
) -> Vec<Row> {
    let count = model.parameters().len();
    let mut state = State {
        trains: FixedBitSet::with_capacity(count),
        options: vec![*policy.defaults(); count],
    };
    // Before the first rule fires, every parameter trains.
    state.trains.insert_range(..);
    let text = policy.source().text();
    let mut rows = Vec::with_capacity(policy.rules().len());
    for (index, rule) in policy.rules().iter().enumerate() {
        let selections: Vec<_> = rule
            .actions
            .iter()
            .map(|action| match action.value.targets() {
                Some(targets) => selecting.targets(targets, text, found),
                None => FixedBitSet::with_capacity(count),
            })
            .collect();
        let applied = Applied::new(rule, &selections, &state);
        applied.check(index == 0, found);
        rows.push(applied.row(rule.called(index), model));
        state = applied.after;
    }
    rows
}

/// One rule, applied.
struct Applied<'a> {
    rule: &'a Spanned<Rule>,
    selections: &'a [FixedBitSet],
    before: &'a State,
    after: State,
    /// Whose optimizer state an action dropped by freezing.
    dropped: FixedBitSet,
    /// Which actions changed nothing when their turn came.
    idle: Vec<bool>,
}

impl<'a> Applied<'a> {
    fn new(rule: &'a Spanned<Rule>, selections: &'a [FixedBitSet], before: &'a State) -> Self {
        let mut applied = Self {
            rule,
            selections,
            before,
            after: before.clone(),
            dropped: FixedBitSet::with_capacity(before.options.len()),
            idle: Vec::with_capacity(selections.len()),
        };
        if rule.actions.iter().any(|action| matches!(action.value, Action::Train(..))) {
            applied.after.trains.clear();
        }
        for (action, selection) in rule.actions.iter().zip(selections) {
            let changed = applied.act(action, selection);
            applied.idle.push(!changed);
        }
        applied
    }

    /// Applies one action; gives whether anything changed.
    fn act(&mut self, action: &Action, selection: &FixedBitSet) -> bool {
        let mut changed = match action {
            Action::Train(..) | Action::Unfreeze(..) => {
                let changed = !selection.is_subset(&self.after.trains);
                self.after.trains.union_with(selection);
                changed
            }
            Action::Freeze(_) => {
                let changed = !selection.is_disjoint(&self.after.trains);
                self.after.trains.difference_with(selection);
                self.dropped.union_with(selection);
                changed
            }
            Action::Set(..) => false,
            Action::Stop => true,
        };
        if let Some(given) = action.options().filter(|given| !given.is_empty()) {
            for parameter in selection.ones() {
                if let Some(options) = self.after.options.get_mut(parameter) {
                    let updated = options.updated(given);
                    changed |= updated != *options;
                    *options = updated;
                }
            }
        }
        changed
    }

    fn row(&self, rule: String, model: &Model) -> Row {
        let effects =
            (0..self.before.options.len()).filter_map(|parameter| self.effect(parameter)).collect();
        let elements = |parameter: usize| {
            model.parameters().get(parameter).map_or(0, crate::model::Parameter::elements)
        };
        Row {
            rule,
            effects,
            trainable: self.after.trains.count_ones(..),
            trainable_elements: self.after.trains.ones().map(elements).sum(),
            stops: self.rule.stops(),
        }
    }

    fn effect(&self, parameter: usize) -> Option<Effect> {
        let trained = self.before.trains.contains(parameter);
        let trains = self.after.trains.contains(parameter);
        let options = *self.after.options.get(parameter)?;
        let drops_state = trained && (!trains || self.dropped.contains(parameter));
        let same = trained == trains
            && !drops_state
            && self.before.options.get(parameter) == Some(&options);
        (!same).then_some(Effect { parameter, trains, options, drops_state })
    }

    fn check(&self, first: bool, found: &mut Vec<Diagnostic>) {
        // What selects nothing is told already, and would only be told again here.
        let selected = |action: &Action, selection: &FixedBitSet| {
            action.targets().is_none() || !selection.is_clear()
        };
        if !self
            .rule
            .actions
            .iter()
            .zip(self.selections)
            .all(|(action, selection)| selected(action, selection))
        {
            return;
        }
        self.check_conflicts(found);
        self.check_undone(found);
        self.check_idle(first, found);
        let nothing_left = self.after.trains.is_clear() && !self.before.trains.is_clear();
        if nothing_left && !self.rule.stops() {
            let place = self.rule.actions.last().map_or(self.rule.span, |action| action.span);
            found.push(
                Diagnostic::new(Code::FRZ0303, place, "after this rule nothing trains")
                    .label("this leaves every parameter frozen")
                    .note("to end training here, write `stop`"),
            );
        }
    }

    /// Two actions that give one parameter different options, and neither is a `set`.
    fn check_conflicts(&self, found: &mut Vec<Diagnostic>) {
        let mut given: Vec<Options> = vec![Options::default(); self.before.options.len()];
        let mut told: Vec<(Span, Span)> = Vec::new();
        for (action, selection) in self.rule.actions.iter().zip(self.selections) {
            let Some(options) =
                action.options().filter(|_| !matches!(action.value, Action::Set(..)))
            else {
                continue;
            };
            for parameter in selection.ones() {
                let Some(earlier) = given.get_mut(parameter) else { continue };
                for (first, second, what) in differences(earlier, options) {
                    if !told.contains(&(first, second)) {
                        told.push((first, second));
                        found.push(
                            Diagnostic::new(
                                Code::FRZ0305,
                                second,
                                format!("two {what}s for one parameter in one rule"),
                            )
                            .label("another one here")
                            .also(first, "one here")
                            .note("write the finer one as `set`, which may refine what stands before it"),
                        );
                    }
                }
                *earlier = earlier.updated(options);
            }
        }
    }

    /// Actions of which nothing is left at the end of the rule.
    fn check_undone(&self, found: &mut Vec<Diagnostic>) {
        for ((action, selection), idle) in
            self.rule.actions.iter().zip(self.selections).zip(&self.idle)
        {
            let undone = match &action.value {
                _ if *idle => false,
                Action::Train(..) | Action::Unfreeze(..) => {
                    selection.is_disjoint(&self.after.trains)
                }
                Action::Freeze(_) => selection.is_subset(&self.after.trains),
                Action::Set(_, options) => selection.ones().all(|parameter| {
                    self.after.options.get(parameter).is_some_and(|now| is_overridden(options, now))
                }),
                Action::Stop => false,
            };
            if undone {
                found.push(
                    Diagnostic::new(
                        Code::FRZ0304,
                        action.span,
                        "later actions of this rule undo all of this one",
                    )
                    .label("nothing of this is left when the rule has fired"),
                );
            }
        }
    }

    fn check_idle(&self, first: bool, found: &mut Vec<Diagnostic>) {
        let whole_rule = self.before.trains == self.after.trains
            && self.before.options == self.after.options
            && self.dropped.is_clear();
        for (action, idle) in self.rule.actions.iter().zip(&self.idle) {
            let reason = match &action.value {
                // The first rule may say what holds anyway: it is how a policy begins.
                Action::Train(..) if whole_rule && !first => "just this trains already",
                Action::Unfreeze(..) if *idle => "all of this trains already",
                Action::Freeze(_) if *idle && self.clears() => {
                    "`train` in the same rule freezes this already"
                }
                Action::Freeze(_) if *idle => "all of this is frozen already",
                Action::Set(..) if *idle => "all of this has these options already",
                _ => continue,
            };
            found.push(
                Diagnostic::new(Code::FRZ0501, action.span, "this action has no effect")
                    .label(reason),
            );
        }
    }

    /// Whether the rule begins by freezing everything.
    fn clears(&self) -> bool {
        self.rule.actions.iter().any(|action| matches!(action.value, Action::Train(..)))
    }
}

/// The options that both give and not alike: the places of both, and what it is.
fn differences(first: &Options, second: &Options) -> Vec<(Span, Span, &'static str)> {
    fn differ<T: PartialEq>(
        first: Option<&Spanned<T>>,
        second: Option<&Spanned<T>>,
    ) -> Option<(Span, Span)> {
        let (first, second) = (first?, second?);
        (first.value != second.value).then_some((first.span, second.span))
    }
    [
        (differ(first.lr.as_ref(), second.lr.as_ref()), "learning rate"),
        (differ(first.weight_decay.as_ref(), second.weight_decay.as_ref()), "weight decay"),
        (differ(first.optimizer.as_ref(), second.optimizer.as_ref()), "optimizer"),
    ]
    .into_iter()
    .filter_map(|(places, what)| places.map(|(first, second)| (first, second, what)))
    .collect()
}

/// Whether none of the given options is the one in force.
fn is_overridden(given: &Options, now: &Options) -> bool {
    fn other<T>(given: Option<&Spanned<T>>, now: Option<&Spanned<T>>) -> bool {
        given.is_none_or(|given| now.is_some_and(|now| now.span != given.span))
    }
    !given.is_empty()
        && other(given.lr.as_ref(), now.lr.as_ref())
        && other(given.weight_decay.as_ref(), now.weight_decay.as_ref())
        && other(given.optimizer.as_ref(), now.optimizer.as_ref())
}
