//! The span to remove together with a part of a text, so that the rest still parses.

use crate::source::Span;

/// A statement with its `;`, and with its line if there is nothing else in it; `None` if there is
/// something between the statement and its `;`.
pub(crate) fn of_statement(text: &str, statement: Span) -> Option<Span> {
    let after = text.get(statement.end..)?;
    let rest = match after.trim_start() {
        "" => "",
        rest => rest.strip_prefix(';')?,
    };
    let before = text.get(..statement.start)?.trim_end_matches([' ', '\t']);
    let begins_line = before.is_empty() || before.ends_with('\n');
    let gap = rest.trim_start_matches([' ', '\t', '\r']);
    Some(match gap.strip_prefix('\n') {
        Some(rest) if begins_line => Span::new(before.len(), text.len() - rest.len()),
        None if begins_line && gap.is_empty() => Span::new(before.len(), text.len()),
        // Nothing follows it on its line: the space before it goes as well.
        None if gap.is_empty() => Span::new(before.len(), text.len()),
        Some(_) => Span::new(before.len(), text.len() - gap.len()),
        None => Span::new(statement.start, text.len() - gap.len()),
    })
}

/// An element of a list with the comma before or after it; `None` if it is the only one.
pub(crate) fn of_element(text: &str, element: Span) -> Option<Span> {
    let before = text.get(..element.start)?.trim_end();
    if let Some(before) = before.strip_suffix(',') {
        return Some(Span::new(before.len(), element.end));
    }
    let rest = text.get(element.end..)?.trim_start().strip_prefix(',')?.trim_start();
    let is_last = rest.is_empty() || rest.starts_with(['}', ']', ')']);
    (!is_last).then(|| Span::new(element.start, text.len() - rest.len()))
}

/// Something that follows something else, such as an option, with the space before it. Line ends
/// stay: there may be a comment before one.
pub(crate) fn of_appendix(text: &str, appendix: Span) -> Span {
    let before = text.get(..appendix.start).unwrap_or_default();
    Span::new(before.trim_end_matches([' ', '\t']).len(), appendix.end)
}

/// A comment with the space before it, and with its line if there is nothing else in it.
pub(crate) fn of_comment(text: &str, comment: Span) -> Span {
    let without = of_appendix(text, comment);
    let before = text.get(..without.start).unwrap_or_default();
    let rest = text.get(comment.end..).unwrap_or_default();
    let begins_line = before.is_empty() || before.ends_with('\n');
    match rest.trim_start_matches([' ', '\t', '\r']).strip_prefix('\n') {
        Some(rest) if begins_line => Span::new(without.start, text.len() - rest.len()),
        _ => without,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text without the part between the bars and what goes with it.
    fn without(text: &str, removal: impl Fn(&str, Span) -> Option<Span>) -> Option<String> {
        let start = text.find('|').unwrap();
        let end = text.rfind('|').unwrap() - 1;
        let mut text = text.replace('|', "");
        let span = removal(&text, Span::new(start, end))?;
        text.replace_range(span.range(), "");
        Some(text)
    }

    #[test]
    fn a_statement_goes_with_its_line() {
        let of = |text| without(text, of_statement);
        assert_eq!(of("a;\n  |b| ;  \nc;").as_deref(), Some("a;\nc;"));
        assert_eq!(of("a; |b|; c;").as_deref(), Some("a; c;"));
        assert_eq!(of("a;\n|b|; c;").as_deref(), Some("a;\nc;"));
        assert_eq!(of("a;\n|b|").as_deref(), Some("a;\n"));
        assert_eq!(of("a; |b|;\nc;").as_deref(), Some("a;\nc;"));
        assert_eq!(of("a; |b|;").as_deref(), Some("a;"));
        assert_eq!(of("a;\n|b|; // why\nc;").as_deref(), Some("a;\n// why\nc;"));
        assert_eq!(of("|b| /* why */; c;"), None);
    }

    #[test]
    fn an_element_goes_with_one_comma() {
        let of = |text| without(text, of_element);
        assert_eq!(of("t: a, |b|, c;").as_deref(), Some("t: a, c;"));
        assert_eq!(of("t: |a|, c;").as_deref(), Some("t: c;"));
        assert_eq!(of("t: |a|, // why\n c;").as_deref(), Some("t: // why\n c;"));
        assert_eq!(of("{ |a|, }"), None);
        assert_eq!(of("t: |a|;"), None);
    }

    #[test]
    fn a_comment_goes_with_its_line() {
        let of = |text| without(text, |text, comment| Some(of_comment(text, comment)));
        assert_eq!(of("a;\n  |// b|\r\nc;").as_deref(), Some("a;\nc;"));
        assert_eq!(of("a; |// b|\nc;").as_deref(), Some("a;\nc;"));
        assert_eq!(of("|/* b */| c;").as_deref(), Some(" c;"));
        assert_eq!(of("a; |// b|").as_deref(), Some("a;"));
    }
}
