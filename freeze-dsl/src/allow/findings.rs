//! Findings about comments that allow nothing.

use super::{Allowances, Knowledge, ScopedComment};
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, removal};
use crate::source::{Span, Spanned};

/// Words of other tools for `allow`.
const SYNONYMS: [&str; 7] =
    ["allowed", "allows", "alow", "disable", "expect", "ignore", "suppress"];

impl Allowances<'_> {
    /// The comments that allow nothing. With `knowledge`, also those that name findings which are not
    /// there; `allowed` are the findings that were.
    pub(super) fn useless(
        &self,
        allowed: &[Diagnostic],
        knowledge: Option<Knowledge>,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for scoped in &self.comments {
            let comment = &scoped.comment;
            if comment.verb.value != "allow" {
                found.push(other_verb(&comment.verb));
                continue;
            }
            if comment.codes.is_empty() {
                found.push(
                    finding(comment.verb.span, "this comment allows no finding")
                        .label("expected codes after this, such as `FRZ0502`"),
                );
            }
            for word in &comment.codes {
                let own = match Code::of(&word.value) {
                    None => Some(unknown(word)),
                    Some(code) if code.is_always_error() => Some(self.error(scoped, word, code)),
                    Some(code) => {
                        // Where no statement follows, there is nothing to be found.
                        let is_decided =
                            knowledge.is_some_and(|it| scoped.scope.is_none() || decides(it, code));
                        let is_used = allowed
                            .iter()
                            .any(|finding| finding.code == code && scoped.covers(finding));
                        (is_decided && !is_used).then(|| self.unused(scoped, word, code))
                    }
                };
                // A comment may allow itself.
                found.extend(own.filter(|_| !scoped.names(Code::UselessAllow)));
            }
        }
        found
    }

    fn error(&self, scoped: &ScopedComment, word: &Spanned<String>, code: Code) -> Diagnostic {
        finding(word.span, format!("`{code}` is an error, and errors cannot be allowed"))
            .label(code.meaning())
            .suggest(Applicability::Safe, "remove it", self.without(scoped, word), "")
    }

    fn unused(&self, scoped: &ScopedComment, word: &Spanned<String>, code: Code) -> Diagnostic {
        let place = match scoped.scope {
            Some(scope) if scope == Span::new(0, self.text.len()) => "in this policy",
            Some(_) => "in the statement of this comment",
            None => "below this comment, since no statement follows",
        };
        finding(word.span, format!("there is no `{code}` {place}"))
            .label(format!("this allows nothing ({})", code.meaning()))
            .suggest(Applicability::Safe, "remove it", self.without(scoped, word), "")
    }

    /// The code with a comma, or the whole comment if it is its only code.
    fn without(&self, scoped: &ScopedComment, word: &Spanned<String>) -> Span {
        let comment = &scoped.comment;
        if comment.codes.len() == 1 {
            return removal::of_comment(self.text, comment.span);
        }
        let after = comment.codes.iter().find(|other| other.span.start > word.span.start);
        let before = comment.codes.iter().rfind(|other| other.span.end < word.span.end);
        match (before, after) {
            (Some(before), _) => Span::new(before.span.end, word.span.end),
            (None, Some(after)) => Span::new(word.span.start, after.span.start),
            (None, None) => word.span,
        }
    }
}

fn finding(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::UselessAllow, span, message)
}

fn other_verb(verb: &Spanned<String>) -> Diagnostic {
    let word = verb.value.as_str();
    let found =
        finding(verb.span, format!("a comment cannot `{word}` findings, only `allow` them"))
            .label("this comment does nothing");
    if SYNONYMS.contains(&word) || nearest(word, ["allow"]).is_some() {
        return found.suggest(Applicability::Maybe, "write `allow`", verb.span, "allow");
    }
    found.note("`--warn` and `--deny`, or `[levels]` in `freeze.toml`, make findings more serious")
}

fn unknown(word: &Spanned<String>) -> Diagnostic {
    let written = &word.value;
    let found = finding(word.span, format!("there is no finding `{written}`"));
    match Code::nearest(written) {
        Some(code) => found.label("this allows nothing").suggest(
            Applicability::Maybe,
            format!("did you mean `{code}` ({})?", code.meaning()),
            word.span,
            code.name(),
        ),
        None => found.label("expected codes, such as `FRZ0502`; a reason follows a `:`"),
    }
}

/// Whether all findings of a code are found with what is known.
fn decides(knowledge: Knowledge, code: Code) -> bool {
    match code {
        Code::InvalidValue | Code::UnboundedWait | Code::UnusedLet | Code::ZeroLearningRate => true,
        // A policy may serve several models, and programs find the others.
        Code::AbsentTargets
        | Code::CoarseCurve
        | Code::UnobservedMetric
        | Code::StepsDiffer
        | Code::LostUpdates
        | Code::UselessAllow => false,
        _ => knowledge == Knowledge::Model,
    }
}
