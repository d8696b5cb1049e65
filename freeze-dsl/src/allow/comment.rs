//! One comment that allows findings: `// freeze: allow FRZ0502, FRZ0505: the reason`.

use crate::diagnostic::Code;
use crate::source::{Span, Spanned};

/// A comment that begins with `freeze:`, without its scope.
#[derive(Debug, PartialEq)]
pub(super) struct AllowComment {
    /// The whole comment.
    pub(super) span: Span,
    /// The word after `freeze:`.
    pub(super) verb: Spanned<String>,
    /// The words after it, up to the reason.
    pub(super) codes: Vec<Spanned<String>>,
}

impl AllowComment {
    /// Reads a comment; `None` if it says nothing to freeze. `// freeze: the head first` does not: it
    /// neither says `allow` nor names a code.
    pub(super) fn read(text: &str, span: Span) -> Option<Self> {
        let comment = text.get(span.range())?;
        let content = comment.strip_prefix("//").or_else(|| comment.strip_prefix("/*"))?;
        let content = content.strip_suffix("*/").unwrap_or(content);
        let content = content.trim_start_matches(['/', '*', '!']).trim_start();
        let rest = content.strip_prefix("freeze:")?;
        let mut words = words(text, rest).into_iter();
        let verb = words.next()?;
        let codes: Vec<Spanned<String>> = words.collect();
        let is_meant = verb.value == "allow" || codes.iter().any(|word| is_code(&word.value));
        is_meant.then_some(Self { span, verb, codes })
    }
}

/// The words of a part of the text, up to where a reason begins.
fn words(text: &str, part: &str) -> Vec<Spanned<String>> {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let end = part.find([':', '(', '—', '\n']).unwrap_or(part.len());
    let end = part.find("--").map_or(end, |reason| reason.min(end));
    let mut words = Vec::new();
    let mut at = 0;
    for word in part.get(..end).unwrap_or_default().split([' ', '\t', '\r', ',']) {
        if !word.is_empty() {
            let span = Span::new(start + at, start + at + word.len());
            words.push(Spanned::new(word.to_owned(), span));
        }
        at += word.len() + 1;
    }
    words
}

/// Whether a word is a code, or meant to be one.
fn is_code(word: &str) -> bool {
    let is_numbered = |rest: &str| !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_digit());
    Code::of(word).is_some()
        || word.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("FRZ"))
            && word.get(3..).is_some_and(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(comment: &str) -> Option<(String, Vec<String>)> {
        let text = format!("start: stop; {comment}");
        let start = text.len() - comment.len();
        let read = AllowComment::read(&text, Span::new(start, text.len()))?;
        for word in read.codes.iter().chain([&read.verb]) {
            assert_eq!(text.get(word.span.range()), Some(word.value.as_str()));
        }
        Some((read.verb.value, read.codes.into_iter().map(|code| code.value).collect()))
    }

    #[test]
    fn codes_end_where_a_reason_begins() {
        for comment in [
            "// freeze: allow FRZ0502, frz0505",
            "//freeze:allow FRZ0502 frz0505",
            "/// freeze: allow FRZ0502,frz0505: the stem, and more",
            "/* freeze: allow FRZ0502, frz0505 (the stem) */",
            "/** freeze: allow FRZ0502, frz0505 -- why */",
            "// freeze:  allow  FRZ0502 ,\tfrz0505 — why",
        ] {
            let codes = vec!["FRZ0502".to_owned(), "frz0505".to_owned()];
            assert_eq!(read(comment), Some(("allow".to_owned(), codes)), "{comment}");
        }
    }

    #[test]
    fn what_is_no_allowance_is_left_alone() {
        for comment in [
            "// freeze: the head first",
            "// unfreeze: allow FRZ0502",
            "// see freeze: allow FRZ0502",
            "// freeze allow FRZ0502",
            "// freeze:",
            "//",
        ] {
            assert_eq!(read(comment), None, "{comment}");
        }
        assert!(read("// freeze: allow").is_some() && read("// freeze: ignore FRZ502").is_some());
    }
}
