//! Other ways in which people name a policy's file, each answered with the form that the macro has.

use proc_macro2::{Delimiter, TokenTree};
use syn::{Error, LitStr};

/// Words before the name of a file in the forms of other macros and functions.
const WORDS: [&str; 6] = ["file", "path", "policy", "from", "load", "include_str"];

/// The error for tokens that name a policy's file in another form than `file = "x.freeze"`.
pub(crate) fn mistake(tokens: &[TokenTree]) -> Option<Error> {
    let (form, name) = match tokens {
        [form @ .., TokenTree::Punct(comma)] if comma.as_char() == ',' => form,
        form => form,
    }
    .split_last()
    .map(|(name, form)| (form, name))?;
    let is_other_form = match form {
        [] => true,
        [TokenTree::Ident(word)] => WORDS.iter().any(|other| word == other),
        [TokenTree::Ident(word), TokenTree::Punct(sign)] => {
            WORDS.iter().any(|other| word == other) && !(word == "file" && sign.as_char() == '=')
        }
        _ => false,
    };
    let file = file_name(name).filter(|_| is_other_form)?;
    let message = format!(
        "this is the name of a file, not a policy\n= help: write `freeze_policy!(file = {:?})`",
        file.value()
    );
    Some(Error::new(name.span(), message))
}

/// The literal that names a policy's file, in parentheses or not.
fn file_name(token: &TokenTree) -> Option<LitStr> {
    let token = match token {
        TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
            group.stream().into_iter().next()?
        }
        token => token.clone(),
    };
    // Deep groups are not parsed.
    let TokenTree::Literal(literal) = token else { return None };
    let name: LitStr = syn::parse_str(&literal.to_string()).ok()?;
    let is_file = name.value().ends_with(".freeze") && !name.value().contains([';', ':', '\n']);
    is_file.then_some(name)
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;

    use super::*;

    fn message(text: &str) -> Option<String> {
        let tokens: TokenStream = text.parse().expect("Rust's tokens");
        mistake(&tokens.into_iter().collect::<Vec<_>>()).map(|error| error.to_string())
    }

    #[test]
    fn every_other_form_is_answered_with_the_right_one() {
        for form in [
            "\"a/x.freeze\"",
            "(\"a/x.freeze\")",
            "file: \"a/x.freeze\"",
            "path = \"a/x.freeze\",",
            "file \"a/x.freeze\"",
            "file(\"a/x.freeze\")",
            "include_str!(\"a/x.freeze\")",
        ] {
            let message = message(form).expect(form);
            assert!(
                message.ends_with("write `freeze_policy!(file = \"a/x.freeze\")`"),
                "{message}"
            );
        }
    }

    #[test]
    fn policies_and_the_right_form_are_left_alone() {
        for form in [
            "",
            "file = \"x.freeze\"",
            "\"start: stop\"",
            "\"start: train a; start: train b.freeze\"",
            "start: train \"x.freeze\"",
            "model \"x.freeze\"",
        ] {
            assert!(message(form).is_none(), "{form}");
        }
    }
}
