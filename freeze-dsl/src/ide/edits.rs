//! Edits of a whole text: all safe fixes, and the canonical form.

use similar::{Algorithm, DiffOp};

use super::OpenPolicy;
use crate::diagnostic::{Applicability, Diagnostic, Edit, applied, disjoint};
use crate::format::canonical;
use crate::source::Span;

/// How often a text is fixed at most. Each fix can uncover further findings.
const MOST_ROUNDS: usize = 16;

impl OpenPolicy {
    /// The edits of lines that make all safe suggestions of the findings that are reported, and those of
    /// the findings that show up then, as `freeze fix` does.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("start: train fc lr = 1e-3;;"));
    /// assert_eq!(policy.safe_fixes(|_| true)[0].text, "start: train fc lr 1e-3;");
    /// ```
    #[must_use]
    pub fn safe_fixes(&self, is_reported: impl Fn(&Diagnostic) -> bool) -> Vec<Edit> {
        let errors =
            |of: &Self| of.findings().diagnostics().iter().filter(|it| it.is_error()).count();
        let mut fixed: Option<Self> = None;
        for _ in 0..MOST_ROUNDS {
            let current = fixed.as_ref().unwrap_or(self);
            let edits = current.safe_edits(&is_reported);
            if edits.is_empty() {
                break;
            }
            let next = current.clone().edited(applied(current.text(), &edits));
            if errors(&next) > errors(current) {
                break;
            }
            fixed = Some(next);
        }
        fixed.map_or_else(Vec::new, |fixed| changed_lines(self.text(), fixed.text()))
    }

    /// The edits of the safe suggestions that can be made at once. Of two that meet, the first is kept; the
    /// other finding is there again after it.
    fn safe_edits(&self, is_reported: impl Fn(&Diagnostic) -> bool) -> Vec<Edit> {
        let findings = self.findings().diagnostics().iter().filter(|it| is_reported(it));
        let suggestions = findings.flat_map(|it| &it.suggestions);
        let safe = suggestions.filter(|it| it.applicability == Applicability::Safe).collect();
        let safe = disjoint(safe, |suggestion| suggestion);
        safe.into_iter().flat_map(|it| it.edits.clone()).collect()
    }

    /// The edits that make the text canonical; `None` if it does not parse.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("run 9 epochs;\nstart:train fc;\n"));
    /// let edits = policy.formatting().unwrap_or_default();
    /// assert_eq!(edits[0].text, "start: train fc;\n");
    /// ```
    #[must_use]
    pub fn formatting(&self) -> Option<Vec<Edit>> {
        let after = canonical(self.text(), &self.memo.scanned).filter(|_| self.draft.is_read())?;
        Some(changed_lines(self.text(), &after))
    }
}

/// The edits that turn one text into another, each of whole lines.
fn changed_lines(before: &str, after: &str) -> Vec<Edit> {
    fn lines(text: &str) -> Vec<&str> {
        text.split_inclusive('\n').collect()
    }
    let (old, new) = (lines(before), lines(after));
    let bytes = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let upto = |lines: &[&str], count: usize| bytes(lines.get(..count).unwrap_or_default());
    similar::capture_diff_slices(Algorithm::Myers, &old, &new)
        .into_iter()
        .filter(|operation| !matches!(operation, DiffOp::Equal { .. }))
        .map(|operation| {
            let (from, to) = (operation.old_range(), operation.new_range());
            let span = Span::new(upto(&old, from.start), upto(&old, from.end));
            Edit { span, text: new.get(to).unwrap_or_default().concat() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn lines_that_stay_are_not_edited() {
        let before = "a\nb\nc\nd";
        for after in ["a\nc\nd", "a\nb\nx\nc\nd\n", "", "x\ny", "a\nb\nc\nd"] {
            let edits = changed_lines(before, after);
            assert_eq!(applied(before, &edits), after);
        }
        let edits = changed_lines(before, "a\nB\nc\nd");
        assert_eq!(edits, [Edit { span: Span::new(2, 4), text: "B\n".to_owned() }]);
    }

    #[test]
    fn fixes_that_touch_are_made_one_after_another() {
        let text = "start: train fc lr = 1e-3; epoch 1: set fc lr = 1;; let x = 1;";
        let policy = OpenPolicy::new(Source::new(text));
        let fixed = applied(text, &policy.safe_fixes(|_| true));
        let again = OpenPolicy::new(Source::new(fixed.clone()));
        assert_eq!(again.safe_fixes(|_| true).len(), 0, "{fixed}");
    }
}
