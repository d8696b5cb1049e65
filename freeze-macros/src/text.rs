//! Tokens to text.
//!
//! The compiler's tokens are not the language's: `layers.0.1` arrives as `layers` `.` `0.1`,
//! `conv*` as two tokens. So the text is rebuilt, each token at the place where it stands in
//! its file, and read by the one parser that there is.

use std::ops::Range;

use freeze_dsl::parse::is_reserved;
use freeze_dsl::source;
use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, LineColumn, Spacing, Span, TokenStream, TokenTree};

/// A text, and which token each part of it is.
pub(crate) struct Text {
    /// The text itself.
    pub(crate) text: String,
    /// The tokens, in order.
    pub(crate) tokens: Places,
}

/// Where the tokens of a text stand.
pub(crate) struct Places {
    tokens: Vec<(Range<usize>, Span)>,
    /// What stands in braces, and where these open.
    braces: Vec<(usize, TokenStream)>,
}

impl Text {
    /// The text of these tokens.
    pub(crate) fn new(stream: TokenStream) -> Self {
        let tokens = flatten(stream);
        by_place(&tokens).unwrap_or_else(|| spaced(&tokens))
    }

    fn empty() -> Self {
        Self { text: String::new(), tokens: Places { tokens: Vec::new(), braces: Vec::new() } }
    }

    fn push(&mut self, token: &Token) {
        let start = self.text.len();
        self.text.push_str(&token.text);
        self.tokens.tokens.push((start..self.text.len(), token.span));
        self.tokens.braces.extend(token.braces.clone().map(|within| (start, within)));
    }
}

impl Places {
    /// The first and the last token of a stretch of the text; the token before it, where it
    /// holds none.
    pub(crate) fn of(&self, stretch: source::Span) -> (Span, Span) {
        let begin = self.tokens.partition_point(|(range, _)| range.end <= stretch.start);
        let end = self.tokens.partition_point(|(range, _)| range.start < stretch.end);
        let before = begin.saturating_sub(1);
        let (first, last) = if begin < end { (begin, end - 1) } else { (before, before) };
        let span = |index| self.tokens.get(index).map_or_else(Span::call_site, |(_, span)| *span);
        (span(first), span(last))
    }

    /// The tokens within the braces that open at this byte of the text.
    pub(crate) fn within(&self, open: usize) -> TokenStream {
        let braces = self.braces.iter().find(|(start, _)| *start == open);
        braces.map(|(_, within)| within.clone()).unwrap_or_default()
    }

    /// The first token of all.
    pub(crate) fn first(&self) -> Option<Span> {
        self.tokens.first().map(|(_, span)| *span)
    }
}

struct Token {
    text: String,
    kind: Kind,
    span: Span,
    /// What stands within, for a brace that opens.
    braces: Option<TokenStream>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name or a number: what a `*` joins with.
    Word,
    /// A sign, and whether the next token is another one of the same operator.
    Sign(Spacing),
    /// Brackets and strings.
    Other,
}

/// The tokens one after another, without comments. Not recursive: groups may nest deeply.
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
                if sign.as_char() == '#' && skip_doc_comment(rest) {
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

/// A group's brackets. What `macro_rules!` captured has none.
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

/// Takes the rest of `#[doc = "…"]` or `#![doc = "…"]`, as a doc comment arrives. Gives
/// whether that stood there.
fn skip_doc_comment(rest: &mut IntoIter) -> bool {
    let mut ahead = rest.clone();
    let mut next = ahead.next();
    if matches!(&next, Some(TokenTree::Punct(sign)) if sign.as_char() == '!') {
        next = ahead.next();
    }
    let Some(TokenTree::Group(group)) = next else { return false };
    let mut inner = group.stream().into_iter();
    let is_doc = group.delimiter() == Delimiter::Bracket
        && matches!(inner.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && matches!(inner.next(), Some(TokenTree::Punct(sign)) if sign.as_char() == '=');
    if is_doc {
        *rest = ahead;
    }
    is_doc
}

/// The text as it stands in its file, from the first token's line on. `None` where the tokens
/// do not stand in one file one behind another, as when `macro_rules!` put them together, or
/// where all read 1:1, as in an editor that knows no places.
fn by_place(tokens: &[Token]) -> Option<Text> {
    let first = tokens.first()?.span;
    let file = first.file();
    let mut text = Text::empty();
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

/// Where a token ends that begins at `start`.
fn end(start: LineColumn, token: &str) -> LineColumn {
    match token.rsplit_once('\n') {
        Some((before, last)) => LineColumn {
            line: start.line + 1 + before.matches('\n').count(),
            column: last.chars().count(),
        },
        None => LineColumn { column: start.column + token.chars().count(), ..start },
    }
}

/// The text with a space between tokens, but where the language or the compiler's tokens
/// allow none.
fn spaced(tokens: &[Token]) -> Text {
    let mut text = Text::empty();
    let mut before: Option<&Token> = None;
    for token in tokens {
        if before.is_some_and(|before| !joined(before, token)) {
            text.text.push(' ');
        }
        text.push(token);
        before = Some(token);
    }
    text
}

/// Whether two tokens are one word of the language, or may as well be.
fn joined(left: &Token, right: &Token) -> bool {
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
        || (star(right) && joins(left) && left.text != "of")
}

#[cfg(test)]
pub(crate) mod tests {
    use freeze_dsl::policy::Policy;

    use super::*;

    pub(crate) fn tokens(text: &str) -> TokenStream {
        text.parse().expect("Rust's tokens")
    }

    /// Tokens of which no place is known, as in an editor.
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
    fn a_text_stands_as_it_was_written() {
        for text in [
            "start: train layers.0.1.weight",
            "start  :train conv*,*.bias , **. [ 0 ..= 3 ].{a,b}\n\n  lr 1e-3;",
            "    model \"äöü\nß\"; run 20 epochs\n;epoch 1_000: stop",
            "after 40%: train \"ß\" in (a except b) /* */ lr - 1",
        ] {
            let expected = text.replace("/* */", "     ");
            assert_eq!(Text::new(tokens(text)).text, expected);
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
            ("\"a*\" * \"b\"", "\"a*\" * \"b\""),
        ] {
            assert_eq!(Text::new(without_places(tokens(written))).text, expected);
        }
    }

    #[test]
    fn a_policy_means_the_same_without_places() {
        let everything = include_str!("../../tests/macros/everything.freeze");
        let text = Text::new(without_places(tokens(everything))).text;
        assert!(!text.contains('\n'));
        let parse = |text: &str| Policy::parse(text).expect("sound");
        assert_eq!(parse(&text), parse(everything));
        assert_eq!(parse(&Text::new(tokens(everything)).text), parse(everything));
    }

    #[test]
    fn a_stretch_is_its_first_and_last_token() {
        let text = Text::new(tokens("start: train fc, layer4.0.1"));
        let of = |start, end| {
            let (first, last) = text.tokens.of(source::Span::new(start, end));
            (first.start().column, last.end().column)
        };
        assert_eq!(of(0, 27), (0, 27));
        assert_eq!(of(7, 15), (7, 15));
        // Within `0.1`, in the space before `fc`, before and behind everything.
        assert_eq!(of(26, 27), (24, 27));
        assert_eq!(of(12, 13), (7, 12));
        assert_eq!(of(0, 0), (0, 5));
        assert_eq!(of(27, 27), (24, 27));
        assert_eq!(of(90, 99), (24, 27));
    }
}
