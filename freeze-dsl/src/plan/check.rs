//! Checks what the rules do.

use super::apply::KINDS;
use super::{Applied, Bound, State};
use crate::ast::Verb;
use crate::diagnostic::{Code, Diagnostic};
use crate::rule::{Action, Moment, Options, Rule};
use crate::source::Span;
use crate::unroll::in_turns;

/// Applies the rules one after another, tells what is wrong with what they do, and shows each.
pub(super) fn check(
    bound: &Bound,
    found: &mut Vec<Diagnostic>,
    mut show: impl FnMut(&Rule, &Applied<'_>),
) {
    let mut ever = bound.start().trains;
    if bound.rules.first().is_some_and(fires_at_once) {
        ever.clear();
    }
    let mut is_certain = !bound.defaults.lr.as_ref().is_some_and(|lr| lr.then_freeze);
    bound.walk(|index, rule, before, applied| {
        let mut own = Vec::new();
        let next = bound.rules.get(index + 1);
        let is_passing = next.is_some_and(|next| fires_together(rule, next));
        let recurs = rule.trigger.iter().any(|moment| matches!(moment.value, Moment::Every(_)));
        is_certain &= !recurs && !rule.actions.iter().any(|action| leaves_open(&action.value));
        Checking { bound, applied, before, is_passing, is_certain, found: &mut own }
            .all(index == 0 && fires_at_once(rule));
        found.extend(own.into_iter().map(|finding| in_turns(finding, &rule.turns)));
        ever.union_with(&applied.after.trains);
        // What a later firing selects may be anything of what it selects from.
        let targets = rule.actions.iter().filter_map(|action| action.value.targets());
        for targets in targets.filter(|targets| targets.value.changes()) {
            for firing in 0..64 {
                ever.union_with(&targets.units(&bound.units, &before.trains, firing));
            }
        }
        show(rule, applied);
    });
    never_trained(bound, &ever, found);
}

/// Whether a rule fires at the very look at which the one before it does.
pub(crate) fn fires_together(before: &Rule, rule: &Rule) -> bool {
    let implied = |known: &Moment| {
        rule.trigger.iter().any(|moment| match (known, &moment.value) {
            (_, Moment::Epoch(0) | Moment::Step(0)) => true,
            (Moment::Epoch(known), Moment::Epoch(at)) | (Moment::Step(known), Moment::Step(at)) => {
                at <= known
            }
            _ => false,
        })
    };
    before.trigger.iter().all(|moment| implied(&moment.value))
}

fn fires_at_once(rule: &Rule) -> bool {
    rule.trigger.iter().any(|moment| {
        matches!(moment.value, Moment::Epoch(0) | Moment::Step(0))
            || matches!(moment.value, Moment::At(part) if part <= 0.0)
    })
}

fn never_trained(bound: &Bound, ever: &fixedbitset::FixedBitSet, found: &mut Vec<Diagnostic>) {
    let never: Vec<&str> = bound
        .parts
        .iter()
        .enumerate()
        .filter(|(part, _)| !ever.contains(*part))
        .filter_map(|(_, part)| bound.names.get(part.parameter))
        .map(String::as_str)
        .collect();
    let (Some(first), Some(rule)) = (never.first(), bound.rules.first()) else { return };
    let more = match never.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    found.push(
        Diagnostic::new(Code::FRZ0502, rule.span, format!("no rule ever trains `{first}`{more}"))
            .label("frozen from here on"),
    );
}

struct Checking<'a> {
    bound: &'a Bound,
    applied: &'a Applied<'a>,
    before: &'a State,
    /// Whether the next rule fires at the same look, so that no step is made in between.
    is_passing: bool,
    /// Whether what trains before the rule is known.
    is_certain: bool,
    found: &'a mut Vec<Diagnostic>,
}

impl Checking<'_> {
    fn all(&mut self, first: bool) {
        self.selects_nothing();
        self.conflicts();
        self.undone();
        self.idle(first);
        if !self.is_passing {
            self.nothing_left();
        }
        self.tied();
        self.order_of_model();
    }

    /// Targets of which nothing is left when rows, or what trains by then, are known.
    fn selects_nothing(&mut self) {
        let Applied { rule, selections, .. } = self.applied;
        for (action, selection) in rule.actions.iter().zip(selections) {
            let Some(targets) = action.value.targets().filter(|_| selection.is_clear()) else {
                continue;
            };
            // A later firing may find other things trained, and a `sample` other things drawn.
            if targets.value.changes() && !self.is_certain {
                continue;
            }
            let label = if targets.value.changes() {
                "nothing of the kind is left when this rule fires"
            } else {
                "nothing is left of this"
            };
            self.found.push(
                Diagnostic::new(Code::FRZ0201, targets.span, "this selects no parameter")
                    .label(label),
            );
        }
    }

    fn nothing_left(&mut self) {
        let rule = self.applied.rule;
        let stops = rule.actions.iter().any(|action| matches!(action.value, Action::Stop));
        let left = self.applied.after.trains.is_clear() && !self.before.trains.is_clear();
        if left && !stops {
            let place = rule.actions.last().map_or(rule.span, |action| action.span);
            self.found.push(
                Diagnostic::new(Code::FRZ0303, place, "after this rule nothing trains")
                    .label("this leaves every parameter frozen")
                    .note("to end training here, write `stop`"),
            );
        }
    }

    /// One tensor under two names that is treated differently under them.
    fn tied(&mut self) {
        let differs = |state: &State, unit: usize, of: usize| {
            state.trains.contains(unit) != state.trains.contains(of)
                || state.trains.contains(unit) && !state.agree(unit, of)
        };
        // Told at the rule that does it, not again at every later one.
        let newly = |(unit, of): &(usize, usize)| {
            differs(&self.applied.after, *unit, *of) && !differs(self.before, *unit, *of)
        };
        let Some((unit, of)) = self.bound.same.iter().copied().find(newly) else { return };
        let name = |unit: usize| {
            let part = self.bound.parts.get(of).map_or(0, |part| part.parameter);
            let first = self.bound.names.get(part).map_or("", String::as_str);
            if unit == of { first.to_owned() } else { self.alias(unit) }
        };
        let touching = |selection: &fixedbitset::FixedBitSet| {
            selection.contains(unit) != selection.contains(of)
        };
        let actions = self.applied.rule.actions.iter().zip(&self.applied.selections);
        let place = actions
            .filter(|(_, selection)| touching(selection))
            .map(|(action, _)| action.value.targets().map_or(action.span, |targets| targets.span))
            .next_back()
            .unwrap_or(self.applied.rule.span);
        self.found.push(
            Diagnostic::new(
                Code::FRZ0206,
                place,
                format!("`{}` and `{}` are one tensor, treated differently", name(of), name(unit)),
            )
            .label("this means one of the two names")
            .note("name both, or leave both out"),
        );
    }

    fn alias(&self, unit: usize) -> String {
        let place = self.bound.same.iter().position(|(known, _)| *known == unit);
        place.and_then(|place| self.bound.aliases.get(place)).cloned().unwrap_or_default()
    }

    /// Frozen parameters behind trainable ones: the backward pass goes through them all the same.
    fn order_of_model(&mut self) {
        let trains = &self.applied.after.trains;
        if *trains == self.before.trains {
            return;
        }
        let Some(first) = self.bound.training(trains).next() else { return };
        let behind = (first..self.bound.parts.len()).find(|part| !trains.contains(*part));
        let newly =
            self.applied.rule.actions.iter().find(|action| action.value.targets().is_some());
        if let (Some(behind), Some(action)) = (behind, newly) {
            let name = |part: usize| {
                let parameter = self.bound.parts.get(part).map_or(0, |part| part.parameter);
                self.bound.names.get(parameter).map_or("", String::as_str)
            };
            self.found.push(
                Diagnostic::new(
                    Code::FRZ0503,
                    action.span,
                    format!(
                        "`{}` is frozen and lies behind `{}`, which trains: it saves no backward \
                         work",
                        name(behind),
                        name(first)
                    ),
                )
                .label("only what is frozen before all that trains saves it"),
            );
        }
    }

    /// Two actions that give one parameter different options, and neither is a `set`.
    fn conflicts(&mut self) {
        let rule = self.applied.rule;
        let gives_some = |action: &Action| {
            matches!(action, Action::On { verb, options, .. }
                if *verb != Verb::Set && !options.is_empty())
        };
        if rule.actions.iter().filter(|action| gives_some(&action.value)).count() < 2 {
            return;
        }
        let mut given: Vec<[Option<usize>; KINDS]> = vec![[None; KINDS]; self.before.options.len()];
        let mut told: Vec<(usize, usize, usize)> = Vec::new();
        for (index, (action, selection)) in
            rule.actions.iter().zip(&self.applied.selections).enumerate()
        {
            let Action::On { options, .. } = &action.value else { continue };
            if !gives_some(&action.value) {
                continue;
            }
            for unit in selection.ones() {
                let Some(kinds) = given.get_mut(unit) else { continue };
                for (kind, earlier) in kinds.iter_mut().enumerate() {
                    if !gives(options, kind) {
                        continue;
                    }
                    let Some(first) = earlier.replace(index) else { continue };
                    if told.contains(&(first, index, kind)) {
                        continue;
                    }
                    told.push((first, index, kind));
                    let other = rule.actions.get(first).map(|action| &action.value);
                    if let Some(Action::On { options: other, .. }) = other
                        && let Some((one, another, what)) = difference(other, options, kind)
                    {
                        self.found.push(
                            Diagnostic::new(
                                Code::FRZ0305,
                                another,
                                format!("two {what}s for one parameter in one rule"),
                            )
                            .label("another one here")
                            .also(one, "one here")
                            .note("write the finer one as `set`, which may refine what stands before it"),
                        );
                    }
                }
            }
        }
    }

    /// Actions of which nothing is left at the end of the rule.
    fn undone(&mut self) {
        let Applied { rule, selections, after, idle, givers, .. } = self.applied;
        for (index, (action, selection)) in rule.actions.iter().zip(selections).enumerate() {
            let Action::On { verb, options, .. } = &action.value else { continue };
            // Behind a `train`, a `freeze` finds all frozen, and may be undone all the same.
            let is_idle = idle.get(index).copied().unwrap_or_default() && *verb != Verb::Freeze;
            if is_idle || selection.is_clear() {
                continue;
            }
            let undone = match verb {
                Verb::Train | Verb::Unfreeze => selection.is_disjoint(&after.trains),
                Verb::Freeze => selection.is_subset(&after.trains),
                Verb::Set => {
                    options.stats.is_none()
                        && !options.is_empty()
                        && selection.ones().all(|unit| {
                            givers.get(unit).is_some_and(|kinds| {
                                (0..KINDS).all(|kind| {
                                    !gives(options, kind)
                                        || kinds.get(kind).copied().flatten() != Some(index)
                                })
                            })
                        })
                }
            };
            if undone {
                self.found.push(
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

    fn idle(&mut self, first: bool) {
        let Applied { rule, after, dropped, .. } = self.applied;
        let clears = rule.actions.iter().any(|action| action.value.is(Verb::Train));
        let whole_rule = self.before.trains == after.trains
            && self.before.options == after.options
            && self.before.stats == after.stats
            && dropped.is_clear();
        for ((action, idle), selection) in
            rule.actions.iter().zip(&self.applied.idle).zip(&self.applied.selections)
        {
            // What is selected only when the rule fires may be nothing now and something then.
            if action.value.targets().is_some_and(|targets| targets.value.changes())
                || selection.is_clear()
            {
                continue;
            }
            let reason = match &action.value {
                Action::On { is_sure: false, .. } => continue,
                Action::On { verb: Verb::Freeze, .. } if selection.is_subset(&after.trains) => {
                    continue;
                }
                Action::On { verb: Verb::Train, .. } if whole_rule && !first => {
                    "just this trains already"
                }
                Action::On { verb: Verb::Unfreeze, .. } if *idle => "all of this trains already",
                Action::On { verb: Verb::Freeze, .. } if *idle && clears => {
                    "`train` in the same rule freezes this already"
                }
                Action::On { verb: Verb::Freeze, .. } if *idle => "all of this is frozen already",
                Action::On { verb: Verb::Set, .. } if *idle => {
                    "all of this has these options already"
                }
                Action::Reset(_) if *idle => "what is frozen has no optimizer state",
                _ => continue,
            };
            self.found.push(
                Diagnostic::new(Code::FRZ0501, action.span, "this action has no effect")
                    .label(reason),
            );
        }
    }
}

/// Whether what trains behind an action depends on more than the order of the rules.
fn leaves_open(action: &Action) -> bool {
    let freezes_later = matches!(action, Action::On { options, .. }
        if options.lr.as_ref().is_some_and(|lr| lr.then_freeze));
    freezes_later || action.targets().is_some_and(|targets| targets.value.draws())
}

/// Whether options give a learning rate, a weight decay, an optimizer.
fn gives(options: &Options, kind: usize) -> bool {
    match kind {
        0 => options.lr.is_some(),
        1 => options.weight_decay.is_some(),
        _ => options.optimizer.is_some(),
    }
}

/// Where two options of a kind stand that are not alike, and what they are.
fn difference(
    first: &Options,
    second: &Options,
    kind: usize,
) -> Option<(Span, Span, &'static str)> {
    match kind {
        0 => {
            let (first, second) = (first.lr.as_ref()?, second.lr.as_ref()?);
            (first.value != second.value).then_some((first.span, second.span, "learning rate"))
        }
        1 => {
            let (first, second) = (first.weight_decay?, second.weight_decay?);
            (first != second).then_some((first.span, second.span, "weight decay"))
        }
        _ => {
            let (first, second) = (first.optimizer?, second.optimizer?);
            (first != second).then_some((first.span, second.span, "optimizer"))
        }
    }
}
