//! Loops, turn by turn, and how much all of them may come to.

use std::sync::Arc;

use super::Unroll;
use crate::ast::{Loop, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

/// How many turns the loops of a policy may have, and how many actions in all of their turns.
pub const MAX_UNROLLED: usize = 100_000;

/// What one action of a turn weighs, in bytes of text: a longer one weighs more.
const ACTION: usize = 100;

/// The turns of the loops around something. What stands in one turn shares what is around it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Option<Arc<Turn>>);

#[derive(Debug)]
struct Turn {
    /// As messages say it: `` `i` is 2 ``.
    said: String,
    around: Turns,
}

impl Turns {
    /// Whether there is no loop around.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// As messages say them, the outermost first.
    fn said(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            std::iter::successors(self.0.as_deref(), |turn| turn.around.0.as_deref())
                .map(|turn| turn.said.as_str())
                .collect();
        all.reverse();
        all
    }
}

impl Unroll<'_, '_> {
    /// Runs `body` once for each turn of a loop.
    pub(super) fn each_turn(&mut self, head: &Spanned<Loop>, mut body: impl FnMut(&mut Self)) {
        self.weigh_in_turn(head.span, false);
        if self.loops.insert(head.span) {
            self.check_names(&head.value);
        }
        match &head.value {
            Loop::Each { index, element, list } => {
                let Some(elements) = self.list(list) else {
                    self.out.is_open = true;
                    return;
                };
                self.out.is_open |= !elements.complete;
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
                    self.out.is_open = true;
                    return;
                };
                let past = if *inclusive { last.saturating_add(1) } else { last };
                if past <= first {
                    self.tell(
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

    /// Tells of names of a loop that stand for something already.
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

    /// `..=` in the place of the `..` between the ends of a range.
    pub(super) fn inclusive(&self, start: Span, end: Span) -> Option<(Span, &'static str)> {
        let dots = start.end + self.text.get(start.end..end.start)?.find("..")?;
        Some((Span::new(dots, dots + 2), "..="))
    }

    fn turn(&mut self, said: String, body: &mut impl FnMut(&mut Self)) {
        let around = self.turns.clone();
        self.turns = Turns(Some(Arc::new(Turn { said, around: around.clone() })));
        body(self);
        self.turns = around;
    }

    /// Counts a turn of a loop; tells once where there are more than are borne.
    fn is_too_much(&mut self, place: Span) -> bool {
        if self.turned > MAX_UNROLLED || self.is_too_heavy() {
            return true;
        }
        self.turned += 1;
        if self.turned > MAX_UNROLLED {
            self.too_much(place, "turns of loops");
        }
        self.turned > MAX_UNROLLED
    }

    /// Counts what a few bytes of text come to when it is read again in a turn, or what a name
    /// stands for; tells once where all of it is more than is borne.
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

    /// Weighs what is read again in every turn: an action, or what goes with one.
    pub(super) fn weigh_in_turn(&mut self, text: Span, is_action: bool) {
        /// To read a long list again takes longer than a small action, for as many bytes.
        const LONG: usize = 4;
        if !self.turns.is_empty() {
            let more = text.end.saturating_sub(text.start).saturating_sub(ACTION);
            self.weigh(more * LONG + if is_action { ACTION } else { 0 }, text);
        }
    }

    fn too_much(&mut self, place: Span, what: &str) {
        let message = format!("written out, this policy has more than {MAX_UNROLLED} {what}");
        // In which turn that is says nothing.
        self.found.push(
            Diagnostic::new(Code::TooManyTurns, place, message)
                .label("this goes beyond it")
                .note("loops are unrolled and names replaced before anything is checked"),
        );
    }

    /// A rule's name within a loop: every turn has a rule of its own.
    pub(super) fn turned(&self, name: &Text) -> Text {
        match self.scope.turn_numbers() {
            numbers if numbers.is_empty() => name.clone(),
            numbers => format!("{name}[{}]", numbers.join(",")).into(),
        }
    }
}

/// A finding with the turns of the loops around it.
pub(crate) fn in_turns(finding: Diagnostic, turns: &Turns) -> Diagnostic {
    if turns.is_empty() {
        return finding;
    }
    finding.note(format!("in the turn of the loop in which {}", turns.said().join(" and ")))
}
