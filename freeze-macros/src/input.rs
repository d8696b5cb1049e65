//! The three forms of the macro, and where each has the policy's text.

use std::path::PathBuf;

use freeze_dsl::source::{self, Source};
use freeze_dsl::text_file;
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::{Error, LitStr};

use crate::text::{TokenMap, TokenText};
use crate::{file_form, files};

/// The input of the macro.
pub(crate) struct Input {
    /// `$crate`: the crate that defines the names of the expansion.
    pub(crate) home: TokenStream,
    /// The policy's text.
    pub(crate) source: Source,
    /// Where the text comes from.
    pub(crate) origin: Origin,
}

/// Where a policy's text comes from.
pub(crate) enum Origin {
    /// Tokens in the macro.
    Tokens(TokenMap),
    /// A string literal.
    Literal(Span),
    /// A file, named by a string literal.
    File(Span, PathBuf),
}

impl Origin {
    /// The first and the last token that the compiler can underline for a span of the text.
    pub(crate) fn tokens(&self, span: source::Span) -> (Span, Span) {
        match self {
            Self::Tokens(tokens) => tokens.of(span),
            Self::Literal(literal) | Self::File(literal, _) => (*literal, *literal),
        }
    }

    /// The Rust expressions in braces at these places of the text.
    pub(crate) fn rust(&self, places: &[source::Spanned<()>]) -> Vec<TokenStream> {
        match self {
            Self::Tokens(tokens) => {
                places.iter().map(|place| tokens.within(place.span.start)).collect()
            }
            Self::Literal(_) | Self::File(..) => Vec::new(),
        }
    }

    /// The path of a file that a span of the text names. Relative paths begin at the folder of the
    /// file that has the text.
    pub(crate) fn beside(&self, span: source::Span, name: &str) -> Result<PathBuf, Error> {
        match self {
            Self::File(_, file) => Ok(file.with_file_name(name)),
            Self::Tokens(_) | Self::Literal(_) => files::beside(self.tokens(span).0, name),
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
        if let Some(error) = file_form::mistake(&tokens) {
            return Err(error);
        }
        let (source, origin) = match tokens.as_slice() {
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
        Ok(Self { home: home.stream(), source, origin })
    }
}

/// The string literal that these tokens are, with or without a trailing comma.
fn string(tokens: &[TokenTree]) -> Option<LitStr> {
    let literal = match tokens {
        [literal] => literal,
        [literal, TokenTree::Punct(comma)] if comma.as_char() == ',' => literal,
        _ => return None,
    };
    match literal {
        // A literal that `macro_rules!` captured arrives in a group without delimiters.
        TokenTree::Group(group) if group.delimiter() != Delimiter::None => None,
        literal => syn::parse2(literal.clone().into()).ok(),
    }
}

fn in_tokens(tokens: TokenStream) -> (Source, Origin) {
    let TokenText { text, tokens } = TokenText::new(tokens);
    let first = tokens.first().unwrap_or_else(Span::call_site);
    let source = Source::named(first.file(), text).at_line(first.start().line);
    (source, Origin::Tokens(tokens))
}

fn in_literal(literal: &LitStr) -> (Source, Origin) {
    let (span, text) = (literal.span(), literal.value());
    // Without escapes, the literal in the file has the text as it is, after the quote.
    let written = literal.token().to_string();
    let quote = written.split_once(&text).map_or("", |(quote, _)| quote);
    let column = if quote.is_empty() { 0 } else { span.start().column + quote.len() };
    let text = " ".repeat(column) + &text;
    (Source::named(span.file(), text).at_line(span.start().line), Origin::Literal(span))
}

fn in_file(name: &LitStr) -> Result<(Source, Origin), Error> {
    let path = files::beside(name.span(), &name.value())?;
    let shown = path.display().to_string();
    match text_file::read(&path) {
        Ok(text) => Ok((Source::named(shown, text), Origin::File(name.span(), path))),
        Err(error) => {
            let hint = files::elsewhere(name.span(), &path);
            Err(Error::new(name.span(), format!("cannot read `{shown}`: {error}{hint}")))
        }
    }
}
