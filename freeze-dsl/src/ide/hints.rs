//! Notes within the lines of a text: how many parameters targets have, and what expressions equal.

use std::collections::HashMap;

use super::OpenPolicy;
use super::hover::shown_values;
use super::selected::Selected;
use super::walk::{Part, walk};
use crate::ast::Step;
use crate::lower::{Recorded, Values};
use crate::select::Selection;
use crate::source::Span;

/// A note that an editor shows within a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The byte before which it is shown.
    pub at: usize,
    /// The note.
    pub text: String,
}

impl OpenPolicy {
    /// The notes within a part of the text, in its order.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::{Source, Span};
    /// let policy = OpenPolicy::new(Source::new("start: train fc lr 1e-3 / 2"));
    /// let hints = policy.hints(Span::new(0, 27));
    /// assert_eq!((hints[0].at, hints[0].text.as_str()), (27, "= 0.0005"));
    /// ```
    #[must_use]
    pub fn hints(&self, within: Span) -> Vec<Hint> {
        let is_shown = |span: Span| span.start <= within.end && within.start <= span.end;
        let recording = self.recording(within);
        let mut hints = Vec::new();
        let index = self.index();
        // Many rules act on the same parameters, and most of them name these in the same words.
        let mut known: HashMap<&str, (&Values<Selection>, Option<String>)> = HashMap::new();
        walk(self.tree(), |part| match part {
            Part::Targets(targets) if is_shown(targets.span) => {
                let values = recording.selections(Recorded::Targets, targets.span);
                let bound = index.as_ref().zip(self.model.as_deref()).zip(values);
                let text = bound.and_then(|((index, model), values)| {
                    let written = self.source().slice(targets.span);
                    match known.get(written) {
                        Some((before, text)) if before.all == values.all => text.clone(),
                        _ => {
                            let text =
                                counts(values, |selection| Selected::new(selection, index, model));
                            known.insert(written, (values, text.clone()));
                            text
                        }
                    }
                });
                hints.extend(text.map(|text| Hint { at: targets.span.end, text }));
            }
            Part::Number(number) if is_shown(number.span) => {
                let is_plain =
                    matches!(&*number.steps, [only] if matches!(only.value, Step::Literal(_)));
                let values = recording.numbers(number.span).filter(|_| !is_plain);
                let text = values.map(|values| format!("= {}", shown_values(values)));
                // A negative literal is its own value.
                let text = text.filter(|text| {
                    text.strip_prefix("= ") != Some(self.source().slice(number.span).trim())
                });
                hints.extend(text.map(|text| Hint { at: number.span.end, text }));
            }
            _ => {}
        });
        hints.sort_by_key(|hint| hint.at);
        hints
    }
}

/// How many parameters targets have, in each turn of their loops.
fn counts(
    values: &Values<Selection>,
    of: impl Fn(&Selection) -> Option<Selected>,
) -> Option<String> {
    let counts: Option<Vec<Selected>> = values.all.iter().map(of).collect();
    let counts = counts?;
    let (first, last) = (counts.first()?, counts.last()?);
    let fewest = counts.iter().map(|it| it.parameters).min()?;
    let most = counts.iter().map(|it| it.parameters).max()?;
    Some(if fewest == most && first.count() == last.count() {
        first.count()
    } else {
        format!("{fewest} to {most} parameters")
    })
}
