//! The three forms of the macro, and where in each a policy's text stands.

use std::path::PathBuf;

use freeze_dsl::source::{self, Source};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::{Error, LitStr};

use crate::files;
use crate::text::{Places, Text};

/// What the macro was given.
pub(crate) struct Input {
    /// `$crate`: the crate that holds what the expansion names.
    pub(crate) home: TokenStream,
    /// The policy's text.
    pub(crate) source: Source,
    /// Where the text stands.
    pub(crate) door: Door,
}

/// Where a policy's text stands.
pub(crate) enum Door {
    /// In the macro, as tokens.
    Tokens(Places),
    /// In this string literal.
    Literal(Span),
    /// In the file that this string literal names.
    File(Span, PathBuf),
}

impl Door {
    /// The first and the last token that the compiler can underline for a stretch of the text.
    pub(crate) fn tokens(&self, stretch: source::Span) -> (Span, Span) {
        match self {
            Self::Tokens(places) => places.of(stretch),
            Self::Literal(literal) | Self::File(literal, _) => (*literal, *literal),
        }
    }

    /// The Rust expressions that stand in braces at these places of the text.
    pub(crate) fn rust(&self, places: &[source::Spanned<()>]) -> Vec<TokenStream> {
        match self {
            Self::Tokens(tokens) => {
                places.iter().map(|place| tokens.within(place.span.start)).collect()
            }
            Self::Literal(_) | Self::File(..) => Vec::new(),
        }
    }

    /// The path of a file that is named at a stretch of the text: relative paths begin beside
    /// the file in which the text stands.
    pub(crate) fn beside(&self, stretch: source::Span, name: &str) -> Result<PathBuf, Error> {
        match self {
            Self::File(_, file) => Ok(file.with_file_name(name)),
            Self::Tokens(_) | Self::Literal(_) => files::beside(self.tokens(stretch).0, name),
        }
    }
}

impl Input {
    /// Reads `[$crate]` and one of the forms.
    pub(crate) fn read(stream: TokenStream) -> Result<Self, Error> {
        let mut stream = stream.into_iter();
        let Some(TokenTree::Group(home)) = stream.next() else {
            return Err(Error::new(Span::call_site(), "expected `[$crate]` before the policy"));
        };
        let tokens: Vec<TokenTree> = stream.collect();
        let (source, door) = match tokens.as_slice() {
            [TokenTree::Ident(word), TokenTree::Punct(sign), name @ ..]
                if word == "file" && sign.as_char() == '=' =>
            {
                let name = string(name).ok_or_else(|| {
                    let message = "expected a file's name in quotes: `file = \"x.freeze\"`";
                    Error::new(name.first().map_or(sign.span(), TokenTree::span), message)
                })?;
                in_file(&name)?
            }
            all => match string(all) {
                Some(literal) => in_literal(&literal),
                None => in_tokens(tokens.into_iter().collect()),
            },
        };
        Ok(Self { home: home.stream(), source, door })
    }
}

/// The string that these tokens are, a comma behind it or not.
fn string(tokens: &[TokenTree]) -> Option<LitStr> {
    let literal = match tokens {
        [literal] => literal,
        [literal, TokenTree::Punct(comma)] if comma.as_char() == ',' => literal,
        _ => return None,
    };
    match literal {
        // A literal that `macro_rules!` captured comes in a group without brackets.
        TokenTree::Group(group) if group.delimiter() != Delimiter::None => None,
        literal => syn::parse2(literal.clone().into()).ok(),
    }
}

fn in_tokens(tokens: TokenStream) -> (Source, Door) {
    let Text { text, tokens } = Text::new(tokens);
    let first = tokens.first().unwrap_or_else(Span::call_site);
    let source = Source::named(first.file(), text).at_line(first.start().line);
    (source, Door::Tokens(tokens))
}

fn in_literal(literal: &LitStr) -> (Source, Door) {
    let (span, text) = (literal.span(), literal.value());
    // Where nothing is escaped, the text stands in the file as it is, behind the quote.
    let written = literal.token().to_string();
    let quote = written.split_once(&text).map_or("", |(quote, _)| quote);
    let column = if quote.is_empty() { 0 } else { span.start().column + quote.len() };
    let text = " ".repeat(column) + &text;
    (Source::named(span.file(), text).at_line(span.start().line), Door::Literal(span))
}

fn in_file(name: &LitStr) -> Result<(Source, Door), Error> {
    let path = files::beside(name.span(), &name.value())?;
    let shown = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((Source::named(shown, text), Door::File(name.span(), path))),
        Err(error) => Err(Error::new(name.span(), format!("cannot read `{shown}`: {error}"))),
    }
}
