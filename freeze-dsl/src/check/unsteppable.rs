//! Checks that every parameter trains with an optimizer that can step it.

use std::collections::HashMap;

use crate::ast::Verb;
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink};
use crate::index::{SliceId, SliceSet};
use crate::ir::{LoweredAction, LoweredRule, Optimizer, ParamOptions};
use crate::plan::{AppliedRule, BoundPolicy, BoundSequence, SequenceWalk, State};
use crate::source::{Span, Spanned};

/// The parameters whose optimizer cannot step them, each reported once.
pub(super) struct UnsteppableParams<'a> {
    bound: &'a BoundPolicy,
    text: &'a str,
    reported: SliceSet,
    /// The optimizers that actions have named so far.
    given: Vec<GivenOptimizer<'a>>,
    /// Whether any optimizer of the policy cannot step some parameter of the model.
    is_possible: bool,
    /// The optimizers that tracks without a scope set at the start, before any step.
    at_once: HashMap<SliceId, Optimizer>,
    /// What trains in some steps, for what tracks without a scope set.
    ever: SliceSet,
}

/// An action that names an optimizer.
struct GivenOptimizer<'a> {
    rule: &'a LoweredRule,
    targets: Span,
    optimizer: Spanned<Optimizer>,
    /// What it selects, at any of its firings.
    selection: SliceSet,
}

impl<'a> UnsteppableParams<'a> {
    pub(super) fn new(bound: &'a BoundPolicy, text: &'a str) -> Self {
        let reported = SliceSet::with_capacity(bound.table.len());
        let actions = bound.rules.iter().flat_map(|rule| &rule.actions);
        let options = actions.filter_map(|action| action.value.options());
        let optimizers = options.chain([&bound.defaults]).filter_map(optimizer_of);
        let kinds: HashMap<&str, Optimizer> =
            optimizers.map(|optimizer| (optimizer.value.name(), optimizer.value)).collect();
        let refuses =
            |kind: &Optimizer| bound.slice_ids().any(|slice| bound.refusal(slice, kind).is_some());
        let is_possible = kinds.values().any(refuses);
        let mut all = Self {
            bound,
            text,
            reported,
            given: Vec::new(),
            is_possible,
            at_once: HashMap::new(),
            ever: SliceSet::with_capacity(bound.table.len()),
        };
        if is_possible && bound.sequences.iter().any(|of| of.is_ownerless) {
            all.look_across();
        }
        all
    }

    /// Finds what tracks without a scope set at the start, and what trains of all sequences.
    fn look_across(&mut self) {
        for of in &self.bound.sequences {
            if !of.is_ownerless {
                SequenceWalk::each_trained(self.bound, of, |own| self.ever.union_with(own));
                continue;
            }
            let mut walk = SequenceWalk::new(self.bound, of);
            let at_once = |index: &usize| {
                self.bound.rules.get(*index).is_some_and(LoweredRule::fires_at_once)
            };
            for index in of.rules.clone().take_while(at_once) {
                walk.go(index, 0, |_, _, applied| {
                    for slice in applied.given.iter() {
                        let options = applied.after.options(slice);
                        if let Some(optimizer) = options.and_then(|options| options.optimizer) {
                            self.at_once.insert(slice, optimizer);
                        }
                    }
                });
            }
        }
    }

    /// Whether a track without a scope sets another optimizer before a step is made with this one.
    fn is_replaced(&self, slice: SliceId, optimizer: &Optimizer) -> bool {
        let other = self.at_once.get(&slice);
        let fits = other.is_some_and(|other| self.bound.refusal(slice, other).is_none());
        let mut given = self.given.iter().rev();
        let source =
            given.find(|it| it.optimizer.value == *optimizer && it.selection.contains(slice));
        fits && source.is_none_or(|it| it.rule.fires_at_once())
    }

    /// Checks what a sequence owns, which trains before its first rule.
    pub(super) fn before_all(&mut self, sequence: &BoundSequence, sink: &mut DiagnosticSink) {
        let start = self.bound.start();
        let trains = sequence.part_of(&start.trains);
        if self.is_possible
            && let Some(finding) = self.finding(&start, &trains, None)
        {
            sink.push(finding);
        }
    }

    /// Checks what trains after a rule, if steps are made before the next one fires.
    pub(super) fn after(
        &mut self,
        index: usize,
        sequence: &BoundSequence,
        applied: &AppliedRule<'_>,
        before: &State,
        is_passing: bool,
        sink: &mut DiagnosticSink,
    ) {
        let Some(rule) = self.bound.rules.get(index).filter(|_| self.is_possible) else { return };
        let mut trains = if sequence.is_ownerless {
            let mut trains = self.ever.clone();
            trains.intersect_with(&applied.given);
            trains
        } else {
            sequence.part_of(&applied.after.trains)
        };
        let mut state = applied.after.clone();
        for (action, selection) in rule.actions.iter().zip(&applied.selections) {
            let LoweredAction::On { verb, targets, options, .. } = &action.value else { continue };
            let mut selection = selection.clone();
            // What a later firing selects may be anything of what it selects from.
            if targets.value.changes() {
                for firing in 1..64 {
                    let more = targets.value.slices(&self.bound.table, &before.trains, firing);
                    selection.union_with(&more);
                }
                if matches!(verb, Verb::Train | Verb::Unfreeze) {
                    trains.union_with(&selection);
                }
            }
            let Some(optimizer) = optimizer_of(options) else { continue };
            if targets.value.changes() {
                for slice in selection.iter() {
                    if let Some(options) = state.options_mut(slice) {
                        options.optimizer = Some(optimizer.value);
                    }
                }
            }
            self.given.push(GivenOptimizer { rule, targets: targets.span, optimizer, selection });
        }
        if is_passing {
            return;
        }
        if let Some(finding) = self.finding(&state, &trains, Some(rule)) {
            rule.trace.report(finding, sink);
        }
    }

    /// What is wrong with what trains in a state that `rule` results in.
    fn finding(
        &mut self,
        state: &State,
        trains: &SliceSet,
        rule: Option<&LoweredRule>,
    ) -> Option<Diagnostic> {
        let mut refused: Vec<(SliceId, Optimizer, &str)> = self
            .bound
            .training(trains)
            .filter_map(|slice| {
                let optimizer = state.options(slice)?.optimizer?;
                let reason = self.bound.refusal(slice, &optimizer)?;
                (!self.is_replaced(slice, &optimizer)).then_some((slice, optimizer, reason))
            })
            .collect();
        refused.retain(|(slice, ..)| !self.reported.put(*slice));
        let (slice, optimizer, reason) = *refused.first()?;
        let is_source = |given: &&GivenOptimizer<'_>| {
            given.optimizer.value == optimizer && given.selection.contains(slice)
        };
        let given = self.given.iter().rev().find(is_source);
        let place = match (given, optimizer_of(&self.bound.defaults)) {
            (Some(given), _) => given.optimizer.span,
            (None, Some(default)) => default.span,
            (None, None) => rule?.span,
        };
        let more = match refused.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let name = optimizer.name();
        let shape = self.bound.shape(slice);
        let finding = Diagnostic::new(
            Code::CannotStep,
            place,
            format!("`{name}` {reason}, and cannot train `{}`{more}", self.bound.name(slice)),
        )
        .label(format!("`{}` has the shape {shape:?}", self.bound.name(slice)))
        .note("set another optimizer for what it cannot train, as `optimizer adamw`");
        let finding = match (rule, given) {
            (Some(rule), Some(given)) if given.rule.span == rule.span => finding,
            (Some(rule), _) => finding.also(rule.trigger.span, "it trains from here on"),
            (None, _) => finding,
        };
        let matrices = given.filter(|given| {
            let takes = |slice| self.bound.refusal(slice, &optimizer).is_none();
            given.rule.is_written_once && self.bound.training(&given.selection).any(takes)
        });
        Some(
            finding.guess(
                "name its matrices alone",
                matrices.and_then(|given| {
                    Some((given.targets, in_matrices(self.text, given.targets)?))
                }),
            ),
        )
    }
}

/// The optimizer that options set, whatever curves its numbers follow.
fn optimizer_of(options: &ParamOptions) -> Option<Spanned<Optimizer>> {
    let scheduled = options.optimizer.as_ref()?;
    Some(Spanned::new(scheduled.value.optimizer, scheduled.span))
}

/// Targets, cut to matrices.
fn in_matrices(text: &str, targets: Span) -> Option<String> {
    let written = text.get(targets.range())?;
    let is_term = written.chars().all(|it| it.is_alphanumeric() || "@._*".contains(it));
    Some(if is_term {
        format!("{written} in @matrices")
    } else {
        format!("({written}) in @matrices")
    })
}
