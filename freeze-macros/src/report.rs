//! Findings as errors and warnings of the compiler.

use std::fmt::Display;

use freeze_dsl::diagnostic::{Diagnostic, Edit, Style, Suggestion, render};
use freeze_dsl::source::{self, Source};
use proc_macro2::{Ident, Punct, Spacing, TokenStream, TokenTree};
use quote::quote;
use syn::Error;

use crate::input::Origin;

/// An error that underlines a whole span of the text.
pub(crate) fn error_at(origin: &Origin, span: source::Span, message: impl Display) -> Error {
    let (first, last) = origin.tokens(span);
    let ends: TokenStream = [first, last]
        .into_iter()
        .map(|token| {
            let mut end = Punct::new(';', Spacing::Alone);
            end.set_span(token);
            TokenTree::from(end)
        })
        .collect();
    Error::new_spanned(ends, message)
}

/// A finding as an error.
pub(crate) fn error(origin: &Origin, source: &Source, finding: &Diagnostic) -> Error {
    let message = format!("{}: {}", finding.code, message(origin, source, finding));
    error_at(origin, finding.span, message)
}

/// The expression that reports all of these errors.
pub(crate) fn errors(errors: Vec<Error>) -> TokenStream {
    let errors = errors.into_iter().map(Error::into_compile_error);
    quote!({ #(#errors)* })
}

/// A finding as a warning, in an item of the policy's constant. On stable Rust, this is the use of
/// a deprecated item.
pub(crate) fn warning(origin: &Origin, source: &Source, finding: &Diagnostic) -> TokenStream {
    let (first, _) = origin.tokens(finding.span);
    // rustc writes "use of deprecated constant `…::FRZ0505`: " before the message.
    let name = Ident::new(finding.code.name(), first);
    let message = message(origin, source, finding);
    quote! {
        const _: () = {
            #[deprecated(note = #message)]
            const #name: () = ();
            #name
        };
    }
}

/// The whole text of a finding, without its code. The compiler shows an excerpt of tokens; for text in a string or in
/// another file, the message has the excerpt.
fn message(origin: &Origin, source: &Source, finding: &Diagnostic) -> String {
    let mut message = finding.message.clone();
    match origin {
        Origin::Tokens(_) => details(&mut message, origin, finding),
        Origin::Literal(_) | Origin::File(..) => {
            let rendered = render(finding, source, Style::Plain);
            // The first line repeats the code and the message.
            let excerpt = rendered.split_once('\n').map_or("", |(_, excerpt)| excerpt);
            message.push('\n');
            message.push_str(excerpt);
        }
    }
    message
}

/// Labels, notes and suggestions of a finding, one line each.
fn details(message: &mut String, origin: &Origin, finding: &Diagnostic) {
    let mut line = |before: &str, text: &str| {
        message.push('\n');
        message.push_str(before);
        message.push_str(text);
    };
    if !finding.label.is_empty() {
        line("", &finding.label);
    }
    for label in &finding.secondary {
        let place = origin.tokens(label.span).0.start();
        line("= note: ", &format!("line {}: {}", place.line, label.message));
    }
    for note in &finding.notes {
        line("= note: ", note);
    }
    for suggestion in &finding.suggestions {
        line("= help: ", &help(suggestion));
    }
}

/// A suggestion's message, with the text that it would write.
fn help(suggestion: &Suggestion) -> String {
    let message = &suggestion.message;
    match suggestion.edits.as_slice() {
        [Edit { text, .. }] if !text.is_empty() && !message.contains(text) => {
            // A sign that joins it to the text around it is not a part of what to write.
            format!("{message}: `{}`", text.trim_matches([' ', ',']))
        }
        _ => message.clone(),
    }
}
