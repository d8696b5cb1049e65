//! Several edits in one text.

use super::{Edit, Suggestion};

/// The suggestions that can be applied together, in the order of the text. Of those that meet, the
/// first one stays; `of` returns the suggestion of an item.
///
/// # Examples
/// ```
/// use freeze_dsl::Draft;
/// use freeze_dsl::diagnostic::{applied, disjoint};
/// use freeze_dsl::source::Source;
///
/// let text = "start train fc lr 1e-3;;";
/// let findings = Draft::read(Source::new(text)).check().findings;
/// let all = findings.diagnostics().iter().flat_map(|finding| &finding.suggestions);
/// let together = disjoint(all.collect(), |suggestion| suggestion);
/// assert_eq!(
///     applied(text, together.iter().flat_map(|suggestion| &suggestion.edits)),
///     "start: train fc lr 1e-3;"
/// );
/// ```
#[must_use]
pub fn disjoint<T>(items: Vec<T>, of: impl Fn(&T) -> &Suggestion) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().filter(|item| !of(item).edits.is_empty()).collect();
    items.sort_by_key(|item| of(item).edits.first().map_or(0, |edit| edit.span.start));
    let mut chosen: Vec<T> = Vec::new();
    for item in items {
        if !chosen.iter().any(|other| meet(of(other), of(&item))) {
            chosen.push(item);
        }
    }
    chosen
}

/// Whether edits of both touch the same place. Insertions at one place do: one of them may be enough.
fn meet(one: &Suggestion, other: &Suggestion) -> bool {
    let mut pairs = one.edits.iter().flat_map(|edit| other.edits.iter().map(move |it| (edit, it)));
    pairs.any(|(one, other)| one.span.start <= other.span.end && other.span.start <= one.span.end)
}

/// A text with edits of suggestions that do not meet.
///
/// # Examples
/// ```
/// use freeze_dsl::diagnostic::{Edit, applied};
/// use freeze_dsl::source::Span;
///
/// let edit = Edit { span: Span::new(0, 5), text: "epoch 0".to_owned() };
/// assert_eq!(applied("start: train fc", [&edit]), "epoch 0: train fc");
/// ```
#[must_use]
pub fn applied<'e>(text: &str, edits: impl IntoIterator<Item = &'e Edit>) -> String {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        result.push_str(text.get(at..edit.span.start).unwrap_or_default());
        result.push_str(&edit.text);
        at = edit.span.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Applicability;
    use crate::source::Span;

    fn suggestion(edits: &[(usize, usize, &str)]) -> Suggestion {
        let edits = edits.iter().map(|(start, end, text)| Edit {
            span: Span::new(*start, *end),
            text: (*text).to_owned(),
        });
        let applicability = Applicability::Safe;
        Suggestion { message: String::new(), applicability, edits: edits.collect() }
    }

    #[test]
    fn edits_that_meet_are_not_made_together() {
        let suggestions = vec![
            suggestion(&[(4, 5, "E"), (8, 9, "")]),
            suggestion(&[(0, 1, "A"), (2, 2, "+")]),
            suggestion(&[(5, 5, "!")]),
            suggestion(&[(2, 3, "C")]),
            suggestion(&[]),
            suggestion(&[(6, 7, "G")]),
        ];
        let together = disjoint(suggestions, |suggestion| suggestion);
        assert_eq!(together.len(), 3);
        let edits = together.iter().flat_map(|suggestion| &suggestion.edits);
        assert_eq!(applied("abcdefghi", edits), "Ab+cdEfGh");
    }
}
