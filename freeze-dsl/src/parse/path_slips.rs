//! Paths that are written as in other languages: `last 2 of encoder.layer`, `layers[*]`.

use super::expected::Expected;
use super::lexeme::{Lexeme, LexemeKind};
use crate::diagnostic::{Applicability, Code, Diagnostic};
use crate::source::Span;

/// What was meant by a path that does not parse at `found`.
pub(super) fn path_slip(text: &str, found: &Lexeme<'_>, expected: &Expected) -> Option<Diagnostic> {
    let before = text.get(..found.span.start)?.trim_end();
    if found.text == "*" && before.ends_with('[') {
        let start = before.len() - 1;
        let end = found.span.end + text.get(found.span.end..)?.find(']')? + 1;
        let all = Span::new(start, end);
        return Some(
            Diagnostic::new(Code::Syntax, found.span, "expected a number, found `*`")
                .label("any index is a segment of its own")
                .suggest(Applicability::Safe, "write `.*`", all, ".*"),
        );
    }
    let is_list = (expected.has_sign("[") || expected.has_sign("a list")) && before.ends_with("of");
    if found.kind != LexemeKind::Word || !is_list {
        return None;
    }
    let start = found.span.start;
    let path = text.get(start..)?;
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || "_.*[]-{}".contains(sign);
    let length = path.find(|sign| !is_part(sign)).unwrap_or(path.len());
    let written = path.get(..length)?.trim_end_matches('.');
    let list =
        if written.contains('*') { format!("[{written}]") } else { format!("[{written}.*]") };
    let place = Span::new(start, start + written.len());
    Some(
        Diagnostic::new(Code::Syntax, place, format!("expected a list, found `{written}`"))
            .label("the elements of a list are written in brackets")
            .suggest(Applicability::Maybe, format!("take the parts of `{written}`"), place, list),
    )
}
