//! Findings to what the compiler tells.

use std::fmt::Display;

use freeze_dsl::diagnostic::{Diagnostic, Edit, Style, Suggestion, render};
use freeze_dsl::source::{self, Source};
use proc_macro2::{Ident, Punct, Spacing, TokenStream, TokenTree};
use quote::quote;
use syn::Error;

use crate::input::Door;

/// An error that underlines the whole stretch of the text.
pub(crate) fn error_at(door: &Door, stretch: source::Span, message: impl Display) -> Error {
    let (first, last) = door.tokens(stretch);
    let ends: TokenStream = [first, last]
        .into_iter()
        .map(|span| {
            let mut end = Punct::new(';', Spacing::Alone);
            end.set_span(span);
            TokenTree::from(end)
        })
        .collect();
    Error::new_spanned(ends, message)
}

/// A finding as an error.
pub(crate) fn error(door: &Door, source: &Source, finding: &Diagnostic) -> Error {
    error_at(door, finding.span, message(door, source, finding))
}

/// The expression that tells all of these errors.
pub(crate) fn errors(errors: Vec<Error>) -> TokenStream {
    let errors = errors.into_iter().map(Error::into_compile_error);
    quote!({ #(#errors)* })
}

/// A finding as a warning: on stable Rust, the use of something deprecated. An item of the
/// constant in which it stands.
pub(crate) fn warning(door: &Door, source: &Source, finding: &Diagnostic) -> TokenStream {
    let (first, _) = door.tokens(finding.span);
    let name = Ident::new(finding.code.name(), first);
    let message = message(door, source, finding);
    quote! {
        const _: () = {
            #[deprecated(note = #message)]
            const #name: () = ();
            #name
        };
    }
}

/// All that a finding says. The compiler shows the tokens; what stands in a string or in
/// another file it cannot show, so the message does.
fn message(door: &Door, source: &Source, finding: &Diagnostic) -> String {
    let mut message = format!("{}: {}", finding.code, finding.message);
    match door {
        Door::Tokens(_) => details(&mut message, door, finding),
        Door::Literal(_) | Door::File(..) => {
            let drawn = render(finding, source, Style::Plain);
            // Its first line is the code and the message again.
            let excerpt = drawn.split_once('\n').map_or("", |(_, excerpt)| excerpt);
            message.push('\n');
            message.push_str(excerpt);
        }
    }
    message
}

/// What a finding says beside its message, a line each.
fn details(message: &mut String, door: &Door, finding: &Diagnostic) {
    let mut line = |before: &str, text: &str| {
        message.push('\n');
        message.push_str(before);
        message.push_str(text);
    };
    if !finding.label.is_empty() {
        line("", &finding.label);
    }
    for label in &finding.secondary {
        let place = door.tokens(label.span).0.start();
        line("= note: ", &format!("line {}: {}", place.line, label.message));
    }
    for note in &finding.notes {
        line("= note: ", note);
    }
    for suggestion in &finding.suggestions {
        line("= help: ", &help(suggestion));
    }
}

/// A suggestion's message, which shows what it would write.
fn help(suggestion: &Suggestion) -> String {
    let message = &suggestion.message;
    match suggestion.edits.as_slice() {
        [Edit { text, .. }] if !text.is_empty() && !message.contains(text) => {
            format!("{message}: `{text}`")
        }
        _ => message.clone(),
    }
}
