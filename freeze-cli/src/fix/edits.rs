//! Several edits in one text.

use freeze_dsl::diagnostic::{Diagnostic, Edit, Suggestion};

/// A finding and the suggestion that is to fix it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer<'d> {
    pub(super) finding: &'d Diagnostic,
    pub(super) suggestion: &'d Suggestion,
}

impl Offer<'_> {
    fn edits(&self) -> &[Edit] {
        &self.suggestion.edits
    }

    fn start(&self) -> usize {
        self.edits().first().map_or(0, |edit| edit.span.start)
    }

    /// Whether edits of both touch the same place. Insertions at one place do: one of them may be
    /// enough.
    fn meets(&self, other: &Self) -> bool {
        let mut pairs =
            self.edits().iter().flat_map(|edit| other.edits().iter().map(move |it| (edit, it)));
        pairs.any(|(one, other)| {
            one.span.start <= other.span.end && other.span.start <= one.span.end
        })
    }
}

/// The offers that can be made together, in the order of the text. Of those that meet, the first one
/// stays.
pub(super) fn disjoint<'d>(offers: &[Offer<'d>]) -> Vec<Offer<'d>> {
    let mut offers: Vec<Offer<'d>> =
        offers.iter().filter(|offer| !offer.edits().is_empty()).copied().collect();
    offers.sort_by_key(Offer::start);
    let mut chosen: Vec<Offer<'d>> = Vec::new();
    for offer in offers {
        if !chosen.iter().any(|other| other.meets(&offer)) {
            chosen.push(offer);
        }
    }
    chosen
}

/// A text with the edits of offers that do not meet.
pub(super) fn applied(text: &str, offers: &[Offer<'_>]) -> String {
    let mut edits: Vec<&Edit> = offers.iter().flat_map(Offer::edits).collect();
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
    use freeze_dsl::diagnostic::Applicability;
    use freeze_dsl::policy::Policy;
    use freeze_dsl::source::Span;

    use super::*;

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
        let finding = Policy::parse("").unwrap_err().diagnostics()[0].clone();
        let suggestions = [
            suggestion(&[(4, 5, "E"), (8, 9, "")]),
            suggestion(&[(0, 1, "A"), (2, 2, "+")]),
            suggestion(&[(5, 5, "!")]),
            suggestion(&[(2, 3, "C")]),
            suggestion(&[]),
            suggestion(&[(6, 7, "G")]),
        ];
        let offers: Vec<Offer<'_>> =
            suggestions.iter().map(|suggestion| Offer { finding: &finding, suggestion }).collect();
        let together = disjoint(&offers);
        assert_eq!(together.len(), 3);
        assert_eq!(applied("abcdefghi", &together), "Ab+cdEfGh");
    }
}
