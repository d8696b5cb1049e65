//! Checks the actions of one rule against each other.

use std::collections::{BTreeSet, HashMap};

use super::rule_effects::EffectCheck;
use crate::ast::Verb;
use crate::diagnostic::{Code, Diagnostic};
use crate::index::{SliceId, SliceSet};
use crate::ir::{LoweredAction, LrOption, ParamOptions};
use crate::plan::AppliedRule;
use crate::source::Span;

/// An option that an action can set.
#[derive(Clone, Copy)]
enum OptionKind {
    Lr,
    WeightDecay,
    Anchor,
    Optimizer,
}

impl OptionKind {
    const ALL: [Self; 4] = [Self::Lr, Self::WeightDecay, Self::Anchor, Self::Optimizer];

    const fn is_in(self, options: &ParamOptions) -> bool {
        match self {
            Self::Lr => options.lr.is_some(),
            Self::WeightDecay => options.weight_decay.is_some(),
            Self::Anchor => options.anchor.is_some(),
            Self::Optimizer => options.optimizer.is_some(),
        }
    }

    /// The places of two options of this kind that differ, and the name of the option.
    fn difference(
        self,
        first: &ParamOptions,
        second: &ParamOptions,
    ) -> Option<(Span, Span, &'static str)> {
        match self {
            Self::Lr => {
                let (first, second) = (first.lr.as_ref()?, second.lr.as_ref()?);
                // The same factor twice is another factor.
                let is_relative = matches!(second.value, LrOption::Times(_));
                let differs = is_relative || first.value != second.value;
                differs.then_some((first.span, second.span, "learning rate"))
            }
            Self::WeightDecay => {
                let (first, second) = (first.weight_decay.as_ref()?, second.weight_decay.as_ref()?);
                let differs = first.value != second.value;
                differs.then_some((first.span, second.span, "weight decay"))
            }
            Self::Anchor => {
                let (first, second) = (first.anchor?, second.anchor?);
                let differs = first.value.to_bits() != second.value.to_bits();
                differs.then_some((first.span, second.span, "anchor"))
            }
            Self::Optimizer => {
                let (first, second) = (first.optimizer.as_ref()?, second.optimizer.as_ref()?);
                let differs = first.value != second.value;
                differs.then_some((first.span, second.span, "optimizer"))
            }
        }
    }

    /// Whether options set this one to a value that does not depend on the one before.
    fn is_set_by(self, options: &ParamOptions) -> bool {
        self.is_in(options) && !(matches!(self, Self::Lr) && options.lr_times().is_some())
    }
}

impl EffectCheck<'_> {
    /// Two actions that set different options for one parameter, and neither is a `set`.
    pub(super) fn conflicts(&mut self) {
        let AppliedRule { rule, selections, .. } = self.applied;
        for kind in OptionKind::ALL {
            let giving: Vec<_> = rule
                .actions
                .iter()
                .zip(selections)
                .filter_map(|(action, selection)| match &action.value {
                    LoweredAction::On { verb, options, .. }
                        if *verb != Verb::Set && kind.is_in(options) =>
                    {
                        Some((action, *verb, options, selection))
                    }
                    _ => None,
                })
                .collect();
            if giving.len() < 2 {
                continue;
            }
            // The last action that set the option of each slice.
            let mut last: HashMap<SliceId, usize> = HashMap::new();
            for (index, (action, verb, options, selection)) in giving.iter().enumerate() {
                let earlier: BTreeSet<usize> =
                    selection.iter().filter_map(|slice| last.insert(slice, index)).collect();
                for other in earlier.iter().rev() {
                    let Some((_, _, other, of_other)) = giving.get(*other) else { continue };
                    let Some((one, another, what)) = kind.difference(other, options) else {
                        continue;
                    };
                    let is_finer = selection.is_subset(of_other);
                    let finer = (is_finer && rule.is_written_once).then(|| {
                        let start = action.span.start;
                        (Span::new(start, start + verb.word().len()), Verb::Set.word())
                    });
                    self.found.push(
                        Diagnostic::new(
                            Code::ConflictingOptions,
                            another,
                            format!("two {what}s for one parameter in one rule"),
                        )
                        .label("another one here")
                        .also(one, "one here")
                        .note(
                            "write the finer one as `set`, which may refine the actions before it",
                        )
                        .guess("let it refine the one before it", finer),
                    );
                }
            }
        }
    }

    /// Actions that later actions of the rule undo completely.
    pub(super) fn undone(&mut self) {
        let AppliedRule { rule, selections, after, idle, .. } = self.applied;
        let mut targets = rule.actions.iter().filter_map(|action| action.value.targets());
        // What a later firing selects may be left when that one has fired.
        if self.is_drawn && targets.any(|targets| targets.value.changes()) {
            return;
        }
        let overridden = self.overridden();
        for (index, (action, selection)) in rule.actions.iter().zip(selections).enumerate() {
            let LoweredAction::On { verb, options, .. } = &action.value else { continue };
            // After a `train`, a `freeze` changes nothing, but may still be undone.
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
                        && overridden.get(index).copied().unwrap_or_default()
                }
            };
            if undone {
                let finding = Diagnostic::new(
                    Code::UndoneAction,
                    action.span,
                    "later actions of this rule undo all of this one",
                );
                let trains = rule.actions.iter().filter(|it| it.value.is(Verb::Train)).count();
                self.found.push(if *verb == Verb::Train && trains == 1 {
                    finding
                        .label(
                            "only the freezing of everything else is left when the rule has fired",
                        )
                        .note("to freeze everything else, write `freeze @all` in its place")
                } else if matches!(verb, Verb::Train | Verb::Unfreeze) && !options.is_empty() {
                    let start = action.span.start;
                    let set = rule
                        .is_written_once
                        .then(|| (Span::new(start, start + verb.word().len()), Verb::Set.word()));
                    finding
                        .label("only its options are left when the rule has fired")
                        .guess("set the options alone", set)
                } else {
                    finding
                        .label("nothing of this is left when the rule has fired")
                        .guess_without("leave it out", self.without(action))
                });
            }
        }
    }

    /// For each action, whether later actions set all of its options again.
    fn overridden(&self) -> Vec<bool> {
        let AppliedRule { rule, selections, .. } = self.applied;
        let mut later = OptionKind::ALL.map(|kind| (kind, SliceSet::new()));
        let mut overridden: Vec<bool> = rule
            .actions
            .iter()
            .zip(selections)
            .rev()
            .map(|(action, selection)| {
                let Some(options) = action.value.options() else { return false };
                let mut all = true;
                for (kind, given) in later.iter_mut().filter(|(kind, _)| kind.is_in(options)) {
                    all &= selection.is_subset(given);
                    if kind.is_set_by(options) {
                        given.union_with(selection);
                    }
                }
                all
            })
            .collect();
        overridden.reverse();
        overridden
    }
}
