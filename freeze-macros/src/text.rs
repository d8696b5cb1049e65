//! Rebuilds a policy's text from the compiler's tokens.
//!
//! The compiler's tokens are not those of the language: `layers.0.1` arrives as `layers` `.` `0.1`,
//! `conv*` as two tokens. So the text is rebuilt with each token at its place in the file, and the
//! parser of `freeze-dsl` reads it.

use std::ops::Range;

use freeze_dsl::source;
use freeze_dsl::vocabulary::{VERBS, is_reserved};
use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, LineColumn, Spacing, Span, TokenStream, TokenTree};
use syn::LitStr;

/// A text, with the token of each part of it.
pub(crate) struct TokenText {
    /// The text itself.
    pub(crate) text: String,
    /// The tokens, in order.
    pub(crate) tokens: TokenMap,
}

/// The tokens of a text and their byte ranges in it.
pub(crate) struct TokenMap {
    tokens: Vec<(Range<usize>, Span)>,
    /// The tokens within each pair of braces, and the byte of the opening brace.
    braces: Vec<(usize, TokenStream)>,
}

impl TokenText {
    /// The text of these tokens.
    pub(crate) fn new(stream: TokenStream) -> Self {
        let tokens = flatten(stream);
        by_place(&tokens).unwrap_or_else(|| spaced(&tokens))
    }

    fn empty() -> Self {
        Self { text: String::new(), tokens: TokenMap { tokens: Vec::new(), braces: Vec::new() } }
    }

    fn push(&mut self, token: &Token) {
        let start = self.text.len();
        self.text.push_str(&token.text);
        self.tokens.tokens.push((start..self.text.len(), token.span));
        self.tokens.braces.extend(token.braces.clone().map(|within| (start, within)));
    }
}

impl TokenMap {
    /// The first and the last token of a span of the text; if it has none, the token before it.
    pub(crate) fn of(&self, span: source::Span) -> (Span, Span) {
        let begin = self.tokens.partition_point(|(range, _)| range.end <= span.start);
        let end = self.tokens.partition_point(|(range, _)| range.start < span.end);
        let before = begin.saturating_sub(1);
        let (first, last) = if begin < end { (begin, end - 1) } else { (before, before) };
        let token = |index| self.tokens.get(index).map_or_else(Span::call_site, |(_, span)| *span);
        (token(first), token(last))
    }

    /// The tokens within the braces that open at this byte of the text.
    pub(crate) fn within(&self, open: usize) -> TokenStream {
        let braces = self.braces.iter().find(|(start, _)| *start == open);
        braces.map(|(_, within)| within.clone()).unwrap_or_default()
    }

    /// The first token.
    pub(crate) fn first(&self) -> Option<Span> {
        self.tokens.first().map(|(_, span)| *span)
    }
}

struct Token {
    text: String,
    kind: Kind,
    span: Span,
    /// For an opening brace, the tokens within.
    braces: Option<TokenStream>,
}

impl Token {
    fn is_comment(&self) -> bool {
        self.text.starts_with("/*")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name or a number: a `*` beside it belongs to the same word.
    Word,
    /// A sign, and whether the next token belongs to the same operator.
    Sign(Spacing),
    /// Brackets, strings and comments.
    Other,
}

/// The tokens in order; of comments, only those that allow findings. Not recursive, since groups may nest deeply.
fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut levels: Vec<(IntoIter, Option<Token>)> = vec![(stream.into_iter(), None)];
    while let Some((rest, _)) = levels.last_mut() {
        match rest.next() {
            Some(TokenTree::Group(group)) => {
                let (open, close) = brackets(&group);
                tokens.extend(open);
                levels.push((group.stream().into_iter(), close));
            }
            Some(TokenTree::Punct(sign)) => {
                if sign.as_char() == '#'
                    && let Some(comment) = doc_comment(rest)
                {
                    tokens.extend(allowance(&comment).map(|text| Token {
                        text,
                        kind: Kind::Other,
                        span: sign.span(),
                        braces: None,
                    }));
                    continue;
                }
                tokens.push(Token {
                    text: sign.as_char().to_string(),
                    kind: Kind::Sign(sign.spacing()),
                    span: sign.span(),
                    braces: None,
                });
            }
            Some(TokenTree::Ident(name)) => {
                tokens.push(Token {
                    text: name.to_string(),
                    kind: Kind::Word,
                    span: name.span(),
                    braces: None,
                });
            }
            Some(TokenTree::Literal(literal)) => {
                let text = literal.to_string();
                let number = text.starts_with(|first: char| first.is_ascii_digit());
                let kind = if number { Kind::Word } else { Kind::Other };
                tokens.push(Token { text, kind, span: literal.span(), braces: None });
            }
            None => tokens.extend(levels.pop().and_then(|(_, close)| close)),
        }
    }
    tokens
}

/// A group's brackets. A group that `macro_rules!` captured has none.
fn brackets(group: &Group) -> (Option<Token>, Option<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => return (None, None),
    };
    let braces = (open == "{").then(|| group.stream());
    let token = |text: &str, span, braces| {
        Some(Token { text: text.to_owned(), kind: Kind::Other, span, braces })
    };
    (token(open, group.span_open(), braces), token(close, group.span_close(), None))
}

/// Skips the rest of `#[doc = "…"]` or `#![doc = "…"]`, the form in which a doc comment arrives, and
/// returns its text; `None` if there is none.
fn doc_comment(rest: &mut IntoIter) -> Option<String> {
    let mut ahead = rest.clone();
    let mut next = ahead.next();
    if matches!(&next, Some(TokenTree::Punct(sign)) if sign.as_char() == '!') {
        next = ahead.next();
    }
    let Some(TokenTree::Group(group)) = next else { return None };
    let mut inner = group.stream().into_iter();
    let is_doc = group.delimiter() == Delimiter::Bracket
        && matches!(inner.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && matches!(inner.next(), Some(TokenTree::Punct(sign)) if sign.as_char() == '=');
    if !is_doc {
        return None;
    }
    *rest = ahead;
    let text = syn::parse2(inner.collect()).map(|text: LitStr| text.value());
    Some(text.unwrap_or_default())
}

/// A doc comment that allows findings, as a comment in one line. The compiler drops other comments.
fn allowance(comment: &str) -> Option<String> {
    let is_allowance = comment.trim_start().starts_with("freeze:");
    let is_line =
        !comment.contains(['\n', '\r']) && !comment.contains("*/") && !comment.contains("/*");
    (is_allowance && is_line).then(|| format!("/*{comment}*/"))
}

/// The text as in its file, from the first token's line on. `None` if the tokens are not in
/// order in one file, as after `macro_rules!`, or if all are at 1:1, as in an editor that has no
/// places.
fn by_place(tokens: &[Token]) -> Option<TokenText> {
    let first = tokens.first()?.span;
    let file = first.file();
    let mut text = TokenText::empty();
    let mut at = LineColumn { line: first.start().line, column: 0 };
    for token in tokens {
        let place = token.span.start();
        if place < at || token.span.file() != file {
            return None;
        }
        if place.line > at.line {
            text.text.extend(std::iter::repeat_n('\n', place.line - at.line));
            at = LineColumn { line: place.line, column: 0 };
        }
        text.text.extend(std::iter::repeat_n(' ', place.column - at.column));
        text.push(token);
        at = end(place, &token.text);
    }
    Some(text)
}

/// The end of a token that begins at `start`.
fn end(start: LineColumn, token: &str) -> LineColumn {
    match token.rsplit_once('\n') {
        Some((before, last)) => LineColumn {
            line: start.line + 1 + before.matches('\n').count(),
            column: last.chars().count(),
        },
        None => LineColumn { column: start.column + token.chars().count(), ..start },
    }
}

/// The text with one space between any two tokens that are not parts of one word or sign.
fn spaced(tokens: &[Token]) -> TokenText {
    let mut text = TokenText::empty();
    let mut earlier: Option<&Token> = None;
    let mut before: Option<&Token> = None;
    for token in tokens {
        let begins_term = earlier.is_some_and(|earlier| precedes_term(&earlier.text));
        if token.is_comment() {
            // What it allows depends on whether a statement precedes it on its line.
            text.text.push('\n');
        } else if before.is_some_and(|before| !joined(before, token, begins_term)) {
            text.text.push(' ');
        }
        text.push(token);
        earlier = before.replace(token);
    }
    text
}

/// Whether a selector follows a token, so that `lr*` after it is a path and no option.
fn precedes_term(token: &str) -> bool {
    VERBS.contains(&token)
        || matches!(token, "reset" | "except" | "in" | "of" | "=" | "," | "(" | "[")
}

/// Whether two tokens are parts of one word or sign of the language. `begins_term` is whether the
/// first begins a selector.
fn joined(left: &Token, right: &Token, begins_term: bool) -> bool {
    let sign = |token: &Token| matches!(token.kind, Kind::Sign(_));
    // `..=`, `->`
    if left.kind == Kind::Sign(Spacing::Joint) && sign(right) {
        return true;
    }
    // `layer4.0.conv1`
    if (left.text == "." && sign(left)) || (right.text == "." && sign(right)) {
        return true;
    }
    // `conv*`, but not `train *` and `rows 0..3 of *`
    let star = |token: &Token| token.text == "*" && sign(token);
    let joins = |token: &Token| token.kind == Kind::Word && !is_reserved(&token.text);
    (star(left) && (joins(right) || star(right)))
        || (star(right) && (joins(left) || left.text == "lr" && begins_term) && left.text != "of")
}

#[cfg(test)]
pub(crate) mod tests {
    use freeze_dsl::parse::parse;
    use freeze_dsl::policy::Policy;

    use super::*;

    pub(crate) fn tokens(text: &str) -> TokenStream {
        text.parse().expect("Rust's tokens")
    }

    /// The tokens without their places, as in an editor.
    pub(crate) fn without_places(stream: TokenStream) -> TokenStream {
        let nowhere = |mut tree: TokenTree| {
            if let TokenTree::Group(group) = tree {
                tree = Group::new(group.delimiter(), without_places(group.stream())).into();
            }
            tree.set_span(Span::call_site());
            tree
        };
        stream.into_iter().map(nowhere).collect()
    }

    #[test]
    fn a_text_is_rebuilt_as_it_was_written() {
        for text in [
            "start: train layers.0.1.weight",
            "start  :train conv*,*.bias , **. [ 0 ..= 3 ].{a,b}\n\n  lr 1e-3;",
            "    model \"äöü\nß\"; run 20 epochs\n;epoch 1_000: stop",
            "after 40%: train \"ß\" in (a except b) /* */ lr - 1",
        ] {
            let expected = text.replace("/* */", "     ");
            assert_eq!(TokenText::new(tokens(text)).text, expected);
        }
    }

    #[test]
    fn comments_are_left_out() {
        let text = "//! a\n/// b\nstart: // c\n stop /** d */ ; #[doc] #!x";
        let words: Vec<String> =
            flatten(tokens(text)).into_iter().map(|token| token.text).collect();
        assert_eq!(words, ["start", ":", "stop", ";", "#", "[", "doc", "]", "#", "!", "x"]);
    }

    #[test]
    fn comments_that_allow_findings_stay() {
        let text = "/// freeze: allow FRZ0505\nstart: train fc lr 0; /** freeze: allow FRZ0501 */ epoch 1: stop";
        for tokens in [tokens(text), without_places(tokens(text))] {
            let text = TokenText::new(tokens).text;
            assert!(text.contains("/* freeze: allow FRZ0505*/"), "{text}");
            assert!(text.contains("/* freeze: allow FRZ0501 */"), "{text}");
            assert_eq!(parse(&text), parse("start: train fc lr 0; epoch 1: stop"));
        }
    }

    #[test]
    fn without_places_the_words_of_the_language_stay_whole() {
        for (written, expected) in [
            ("start:  train fc", "start : train fc"),
            ("train layers.0.1.weight;", "train layers.0.1.weight ;"),
            ("train conv*, *.bias", "train conv*, *.bias"),
            ("train *n1*, a.*x*y.**.z", "train *n1*, a.*x*y.**.z"),
            ("train * in * except * lr 1", "train * in * except * lr 1"),
            ("rows 0..3 of *.bias", "rows 0..3 of *.bias"),
            ("layer[0..=3].{a,b}", "layer [ 0..= 3 ].{ a , b }"),
            ("lr 1e-3 -> 2", "lr 1e-3 -> 2"),
            ("train a lr*0.5", "train a lr *0.5"),
            ("train lr*, lr*.a except lr*", "train lr*, lr*.a except lr*"),
            ("\"a*\" * \"b\"", "\"a*\" * \"b\""),
        ] {
            assert_eq!(TokenText::new(without_places(tokens(written))).text, expected);
        }
    }

    #[test]
    fn a_policy_means_the_same_without_places() {
        let everything = include_str!("../../tests/macros/everything.freeze");
        let text = TokenText::new(without_places(tokens(everything))).text;
        assert!(!text.contains('\n'));
        let policy = |text: &str| Policy::parse(text).expect("sound");
        assert_eq!(policy(&text), policy(everything));
        assert_eq!(policy(&TokenText::new(tokens(everything)).text), policy(everything));
    }

    #[test]
    fn a_span_is_its_first_and_last_token() {
        let text = TokenText::new(tokens("start: train fc, layer4.0.1"));
        let of = |start, end| {
            let (first, last) = text.tokens.of(source::Span::new(start, end));
            (first.start().column, last.end().column)
        };
        assert_eq!(of(0, 27), (0, 27));
        assert_eq!(of(7, 15), (7, 15));
        // Within `0.1`, in the space before `fc`, before and after everything.
        assert_eq!(of(26, 27), (24, 27));
        assert_eq!(of(12, 13), (7, 12));
        assert_eq!(of(0, 0), (0, 5));
        assert_eq!(of(27, 27), (24, 27));
        assert_eq!(of(90, 99), (24, 27));
    }
}
