//! The names that statements with a syntax error would define.

use super::lexeme::is_word_character;
use crate::ast::{Text, Tree};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

/// The names of all `let`s that were reported and are missing from the tree.
pub(crate) fn lost_lets(text: &str, tree: &Tree, findings: &[Diagnostic]) -> Vec<Spanned<Text>> {
    let is_syntax = |finding: &&Diagnostic| {
        matches!(finding.code, Code::Syntax | Code::UnknownWord | Code::NestedTooDeeply)
    };
    findings
        .iter()
        .filter(is_syntax)
        .filter_map(|finding| name_before(text, finding.span))
        .filter(|name| !is_parsed(tree, name.span))
        .collect()
}

/// The name after the last `let` of the statement before a place. `let` is reserved: outside of
/// comments and strings, it always begins a definition.
fn name_before(text: &str, place: Span) -> Option<Spanned<Text>> {
    let before = text.get(..place.start)?;
    let statement = before.rfind(';').map_or(0, |end| end + 1);
    let words = before.get(statement..)?.match_indices("let").map(|(at, _)| statement + at);
    words.filter_map(|at| definition(before, statement, at)).last()
}

/// The name that `let`, at a byte of the text, defines, if it is this keyword.
fn definition(text: &str, statement: usize, keyword: usize) -> Option<Spanned<Text>> {
    let before = text.get(statement..keyword)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    let is_in_string = before.matches('"').count() % 2 == 1;
    if before.ends_with(is_word_character) || line.contains("//") || is_in_string {
        return None;
    }
    let after = text.get(keyword + "let".len()..)?;
    let written = after.trim_start();
    let name = written.trim_start_matches('@');
    let name = name.split(|sign| !is_word_character(sign)).next()?;
    let start = text.len() - written.len();
    let end = start + written.len().min(written.find(name)? + name.len());
    let is_keyword = !after.starts_with(is_word_character);
    (is_keyword && !name.is_empty())
        .then(|| Spanned::new(name.to_owned().into(), Span::new(start, end)))
}

/// Whether a statement of the tree covers this place.
fn is_parsed(tree: &Tree, place: Span) -> bool {
    let after = tree.items.partition_point(|item| item.span.start <= place.start);
    let item = after.checked_sub(1).and_then(|before| tree.items.get(before));
    item.is_some_and(|item| place.end <= item.span.end)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn lost(text: &str) -> Vec<String> {
        let (tree, findings) = parse(text);
        let names = lost_lets(text, &tree, &findings);
        names.into_iter().map(|name| name.value.into_owned()).collect()
    }

    #[test]
    fn a_let_that_does_not_parse_is_lost() {
        assert_eq!(lost("let outlet = 1 2; start: train fc lr outlet"), ["outlet"]);
        assert_eq!(lost("let\n@a = fc fc; start: train @a"), ["a"]);
        assert_eq!(lost("start: train fc let x = 1 2; epoch 1: stop"), ["x"]);
        assert_eq!(lost("let @a = layer4.{conv1,conv2} 3;"), ["a"]);
    }

    #[test]
    fn a_let_that_parses_is_not_lost() {
        assert_eq!(lost("let b = 1e-3 start: train fc lr b").len(), 0);
        assert_eq!(lost("let b = 1e-3; start: trin fc lr b").len(), 0);
        assert_eq!(lost("let b = 1 start: trin fc lr b").len(), 0);
    }

    #[test]
    fn other_words_are_not_the_keyword() {
        assert_eq!(lost("start: train outlet x y").len(), 0);
        assert_eq!(lost("start: train \"a let x\" y").len(), 0);
        assert_eq!(lost("// let go\nstart: trin fc").len(), 0);
    }
}
