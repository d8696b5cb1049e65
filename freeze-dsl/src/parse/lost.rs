//! What the statements with a syntax error would define.

use super::lexeme::{Lexeme, LexemeKind};
use crate::ast::{Item, List, Text, Tree};
use crate::source::{Span, Spanned};

/// What is missing from a tree, as far as other statements may use it.
pub(crate) struct LostStatements {
    /// The names that a definition would define.
    pub(crate) names: Vec<Spanned<Text>>,
    /// Whether one of them may be `run`.
    pub(crate) has_run: bool,
}

impl LostStatements {
    /// What the parts of a text would define that are not in its tree. Comments in the text are
    /// blank.
    pub(crate) fn new(readable: &str, tree: &Tree) -> Self {
        let mut lost = Self { names: Vec::new(), has_run: false };
        for gap in gaps(readable, tree) {
            lost.add(readable, gap);
        }
        lost
    }

    /// Adds the statements of a part of a text.
    fn add(&mut self, text: &str, part: Span) {
        let mut statement: Vec<Lexeme<'_>> = Vec::new();
        let end = Lexeme { kind: LexemeKind::Sign, text: ";", span: part };
        for lexeme in Lexeme::all(text, part).chain([end]) {
            if matches!(lexeme.text, ";" | "{" | "}") {
                self.add_statement(&statement);
                statement.clear();
            } else {
                statement.push(lexeme);
            }
        }
    }

    /// Adds a definition: `let x`, `x = `, `let @a`, `@a =`.
    fn add_statement(&mut self, statement: &[Lexeme<'_>]) {
        let get = |index: usize| statement.get(index).map_or("", |lexeme| lexeme.text);
        self.has_run |= statement.iter().take(2).any(|word| word.text.starts_with("run"));
        for (index, lexeme) in statement.iter().enumerate().filter(|(_, it)| it.is_word()) {
            let before = index.checked_sub(1).map_or("", get);
            let is_signed = before == "@";
            let leads = if is_signed { index.checked_sub(2).map_or("", get) } else { before };
            let start = if is_signed { index - 1 } else { index };
            // `lr = 1` is no definition, unless it begins a statement.
            let is_assigned = matches!(get(index + 1), "=" | ":=") && start <= 1;
            if leads == "let" || is_assigned {
                self.names.push(Spanned::new(lexeme.text.to_owned().into(), lexeme.span));
            }
        }
    }
}

/// The parts of a text that are in no statement of its tree.
fn gaps(readable: &str, tree: &Tree) -> Vec<Span> {
    let mut parsed = Vec::new();
    spans(&tree.items, &mut parsed);
    let (mut gaps, mut at) = (Vec::new(), 0);
    for span in parsed.into_iter().chain([Span::new(readable.len(), readable.len())]) {
        if at < span.start {
            gaps.push(Span::new(at, span.start));
        }
        at = at.max(span.end);
    }
    gaps
}

/// Whether a word is in a text in no statement of its tree. Comments in the text are blank.
pub(crate) fn is_outside(word: &str, readable: &str, tree: &Tree) -> bool {
    let mut lexemes = gaps(readable, tree).into_iter().flat_map(|gap| Lexeme::all(readable, gap));
    lexemes.any(|lexeme| lexeme.is_word() && lexeme.text == word)
}

/// The spans of all statements, in order.
fn spans(items: &List<Spanned<Item>>, all: &mut Vec<Span>) {
    for item in items.iter() {
        all.push(item.span);
        if let Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } =
            &item.value
        {
            spans(body, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ScannedText, parse};
    use super::*;

    fn lost(text: &str) -> Vec<String> {
        let (tree, _) = parse(text);
        let readable = ScannedText::quietly(text).readable;
        let names = LostStatements::new(&readable, &tree).names;
        names.into_iter().map(|name| name.value.into_owned()).collect()
    }

    #[test]
    fn a_let_that_does_not_parse_is_lost() {
        assert_eq!(lost("let outlet = 1 2; start: train fc lr outlet"), ["outlet"]);
        assert_eq!(lost("let\n@a = fc fc; start: train @a"), ["a"]);
        assert_eq!(lost("start: train fc let x = 1 2; epoch 1: stop"), ["x"]);
        assert_eq!(lost("let @a = layer4.{conv1,conv2} 3;"), ["a"]);
        assert_eq!(lost("lets base = 1e-3; x = 2; @a = fc"), ["base", "x", "a"]);
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

    #[test]
    fn a_run_that_does_not_parse_is_lost() {
        let has_run = |text: &str| LostStatements::new(text, &parse(text).0).has_run;
        assert!(has_run("run = 20; start: train fc") && has_run("runs 20 epochs"));
        assert!(!has_run("run 20 epochs; start train fc") && !has_run("start: train run x"));
    }
}
