//! Loops, turn by turn, and the limits on what they may unroll to.

use super::Lowering;
use crate::ast::{Bounds, Loop, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

/// The most turns that the loops of a policy may have, and the most actions in all those turns.
pub const MAX_UNROLLED: usize = 100_000;

/// The weight of one action in a turn, in bytes of text; a longer action weighs more.
const ACTION: usize = 100;

impl Lowering<'_, '_> {
    /// Runs `body` once for each turn of a loop.
    pub(super) fn each_turn(&mut self, head: &Spanned<Loop>, mut body: impl FnMut(&mut Self)) {
        self.weigh_in_turn(head.span, false);
        if self.checked_loops.insert(head.span) {
            self.check_names(&head.value);
        }
        match &head.value {
            Loop::Each { index, element, list } => {
                let Some(elements) = self.list(list) else {
                    self.policy.is_open = true;
                    return;
                };
                self.policy.is_open |= !elements.complete;
                for (turn, value) in elements.elements.into_iter().enumerate() {
                    if self.is_too_much(head.span) {
                        return;
                    }
                    let mark = self.scope.mark();
                    let mut described = format!("`@{}` is `{}`", element.value, value.shown);
                    if let Some(index) = index {
                        #[expect(clippy::cast_precision_loss, reason = "turns are bounded")]
                        self.scope.number(index, turn as f64);
                        described = format!("`{}` is {turn} and {described}", index.value);
                    }
                    self.scope.element(element, value);
                    self.turn(described, &mut body);
                    self.scope.reset(mark);
                }
            }
            Loop::Range { index, start, end, inclusive } => {
                let (Some(first), Some(last)) =
                    (self.whole_number(start, "a loop"), self.whole_number(end, "a loop"))
                else {
                    self.policy.is_open = true;
                    return;
                };
                let past = if *inclusive { last.saturating_add(1) } else { last };
                if past <= first {
                    self.report(
                        Diagnostic::new(Code::OutOfRange, head.span, "this loop has no turns")
                            .label(format!("it would go from {first} to before {past}"))
                            .guess(
                                "let the last number be the loop's last",
                                self.inclusive(start.span, end.span).filter(|_| past == first),
                            ),
                    );
                }
                for turn in first..past {
                    if self.is_too_much(head.span) {
                        return;
                    }
                    let mark = self.scope.mark();
                    #[expect(clippy::cast_precision_loss, reason = "turns are bounded")]
                    self.scope.number(index, turn as f64);
                    self.turn(format!("`{}` is {turn}", index.value), &mut body);
                    self.scope.reset(mark);
                }
            }
        }
    }

    /// Reports names of a loop that are defined already.
    fn check_names(&mut self, head: &Loop) {
        match head {
            Loop::Each { index, element, .. } => {
                if let Some(index) = index {
                    self.is_taken(index, true, None);
                }
                self.is_taken(element, false, None);
            }
            Loop::Range { index, .. } => {
                self.is_taken(index, true, None);
            }
        }
    }

    /// An edit from `..` to `..=` between the ends of a range.
    pub(super) fn inclusive(&self, start: Span, end: Span) -> Option<(Span, &'static str)> {
        let dots = start.end + self.text.get(start.end..end.start)?.find("..")?;
        Some((Span::new(dots, dots + 2), "..="))
    }

    /// The same for bounds that are both written.
    pub(super) fn inclusive_bounds(&self, bounds: &Bounds) -> Option<(Span, &'static str)> {
        match bounds {
            Bounds::Range { start: Some(start), end: Some(end), inclusive: false } => {
                self.inclusive(start.span, end.span)
            }
            _ => None,
        }
    }

    fn turn(&mut self, description: String, body: &mut impl FnMut(&mut Self)) {
        let inner = self.trace.turn(description, self.turns);
        let outer = std::mem::replace(&mut self.trace, inner);
        body(self);
        self.trace = outer;
    }

    /// Counts a turn of a loop; reports once that there are too many.
    fn is_too_much(&mut self, place: Span) -> bool {
        if self.turns > MAX_UNROLLED || self.is_too_heavy() {
            return true;
        }
        self.turns += 1;
        if self.turns > MAX_UNROLLED {
            self.too_much(place, "turns of loops");
        }
        self.turns > MAX_UNROLLED
    }

    /// Adds to the weight of what is unrolled, in bytes of text; reports once that it is too much.
    pub(super) fn weigh(&mut self, bytes: usize, place: Span) {
        if !self.is_too_heavy() {
            self.weight = self.weight.saturating_add(bytes);
            if self.is_too_heavy() {
                self.too_much(place, "actions");
            }
        }
    }

    pub(super) const fn is_too_heavy(&self) -> bool {
        self.weight > MAX_UNROLLED * ACTION
    }

    /// Adds the weight of text that is lowered again in every turn: an action, or a part of one.
    pub(super) fn weigh_in_turn(&mut self, text: Span, is_action: bool) {
        /// A byte of a long list takes longer to lower than a byte of a small action.
        const LONG: usize = 4;
        if !self.trace.is_empty() {
            let more = text.end.saturating_sub(text.start).saturating_sub(ACTION);
            self.weigh(more * LONG + if is_action { ACTION } else { 0 }, text);
        }
    }

    fn too_much(&mut self, place: Span, what: &str) {
        let message = format!("written out, this policy has more than {MAX_UNROLLED} {what}");
        // The turn in which the limit is reached is not part of the message.
        self.sink.push(
            Diagnostic::new(Code::TooManyTurns, place, message)
                .label("this goes beyond it")
                .note("loops are unrolled and names replaced before anything is checked"),
        );
    }

    /// The name of a rule in this turn of its loops.
    pub(super) fn name_in_turn(&self, name: &Text) -> Text {
        match self.scope.turn_numbers() {
            numbers if numbers.is_empty() => name.clone(),
            numbers => format!("{name}[{}]", numbers.join(",")).into(),
        }
    }
}
