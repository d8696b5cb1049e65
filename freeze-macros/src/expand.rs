//! From the macro's tokens to its expansion.

use std::path::PathBuf;

use freeze_dsl::Draft;
use freeze_dsl::ast::Text;
use freeze_dsl::diagnostic::Severity;
use freeze_dsl::model::Model;
use freeze_dsl::source::Spanned;
use proc_macro2::TokenStream;
use syn::Error;

use crate::input::{Input, Origin};
use crate::{emit, files, report};

/// An expression: the policy as a constant, or all errors in it.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    match Input::read(tokens) {
        Ok(input) => checked(input),
        Err(error) => report::errors(vec![error]),
    }
}

fn checked(Input { home, source, origin }: Input) -> TokenStream {
    let mut items = match &origin {
        Origin::File(_, path) => files::watch(path),
        Origin::Tokens(_) | Origin::Literal(_) => TokenStream::new(),
    };
    let mut errors = Vec::new();
    // Only tokens can have Rust expressions: a string has no tokens to compile.
    let draft = match &origin {
        Origin::Tokens(_) => Draft::read_macro(source),
        Origin::Literal(_) | Origin::File(..) => Draft::read(source),
    };
    let named = draft.model().map(|name| model(&origin, name));
    let checked = match named {
        Some(Ok((path, model))) => {
            items.extend(
                Model::files(&path).unwrap_or_default().iter().map(|file| files::watch(file)),
            );
            draft.check_against(&model)
        }
        Some(Err(error)) => {
            errors.push(error);
            draft.check()
        }
        None => draft.check(),
    };
    let source = checked.findings.source();
    for finding in checked.findings.diagnostics() {
        match finding.severity() {
            Severity::Error => errors.push(report::error(&origin, source, finding)),
            Severity::Warning => items.extend(report::warning(&origin, source, finding)),
            // On stable Rust, a macro cannot emit notes.
            Severity::Note => {}
        }
    }
    match checked.policy {
        Some(policy) if errors.is_empty() => {
            let rust = origin.rust(&policy.tree().rust);
            emit::policy(&home, &items, &policy, &rust)
        }
        _ => report::errors(errors),
    }
}

/// The model that the policy names.
fn model(origin: &Origin, name: &Spanned<Text>) -> Result<(PathBuf, Model), Error> {
    let path = origin.beside(name.span, &name.value)?;
    match Model::load(&path) {
        Ok(model) => Ok((path, model)),
        Err(error) => {
            let hint = files::elsewhere(origin.tokens(name.span).0, &path);
            let message = format!("cannot read the model: {error}{hint}");
            Err(report::error_at(origin, name.span, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expanded(macro_input: &str) -> String {
        let tokens: TokenStream = format!("[krate] {macro_input}").parse().expect("Rust's tokens");
        expand(tokens).to_string()
    }

    fn is_constant(expansion: &str) -> bool {
        expansion.starts_with("const {") && !expansion.contains("compile_error")
    }

    #[test]
    fn a_sound_policy_is_a_constant() {
        for policy in ["start: train fc", "\"start: train fc\"", "r#\"start: stop\"#,"] {
            assert!(is_constant(&expanded(policy)), "{policy}");
        }
    }

    #[test]
    fn every_finding_is_an_error_of_its_own() {
        let expansion = expanded("start: trian fc; epoch 3: unfreze fc; epoch 4: train @al;");
        assert_eq!(expansion.matches("compile_error").count(), 3, "{expansion}");
        assert!(expansion.contains("FRZ0202: unknown name `@al`"), "{expansion}");
    }

    #[test]
    fn a_policy_with_warnings_compiles() {
        let expansion = expanded("start: train fc lr 0");
        assert!(is_constant(&expansion), "{expansion}");
        assert!(expansion.contains("deprecated"), "{expansion}");
    }

    #[test]
    fn a_comment_in_tokens_allows_a_warning() {
        let policy = "start: train fc lr 1e-3;\n{} \nepoch 3: set fc lr 0;";
        let expansion = |comment: &str| expanded(&policy.replace("{}", comment));
        for comment in ["/// freeze: allow FRZ0505", "/** freeze: allow FRZ0505 */"] {
            let expansion = expansion(comment);
            assert!(is_constant(&expansion), "{comment}: {expansion}");
            assert!(!expansion.contains("deprecated"), "{comment}: {expansion}");
        }
        // The compiler drops this one.
        assert!(expansion("// freeze: allow FRZ0505").contains("FRZ0505"));
        assert!(expansion("/// freeze: allow FRZ0599").contains("FRZ0512"));
    }

    #[test]
    fn without_its_own_crate_nothing_is_expanded() {
        assert!(expand(TokenStream::new()).to_string().contains("compile_error"));
    }

    #[test]
    fn deep_nesting_is_reported() {
        for (open, close) in [("(", ")"), ("{", "}"), ("[", "]")] {
            let deep = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
            assert!(expanded(&deep).contains("FRZ0103"));
        }
    }

    const WORDS: [&str; 44] = [
        "start",
        "epoch",
        "step",
        "after",
        "or",
        "as",
        "train",
        "unfreeze",
        "freeze",
        "set",
        "stop",
        "lr",
        "weight_decay",
        "optimizer",
        "sgd",
        "momentum",
        "model",
        "run",
        "default",
        "epochs",
        "rest",
        "except",
        "in",
        "fc",
        "layer4",
        "0.1",
        "3",
        "1e999",
        "\"a.b\"",
        "\"\\u{7}\"",
        "r\"x\"",
        "'c'",
        "@all",
        "*",
        "**",
        ".",
        "..=",
        ":",
        ";",
        ",",
        "(a)",
        "[0]",
        "{b}",
        "#[doc = \"c\"]",
    ];

    proptest! {
        #[test]
        fn any_words_expand(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..40)) {
            let expansion = expanded(&words.join(" "));
            prop_assert!(is_constant(&expansion) || expansion.contains("compile_error"));
        }

        #[test]
        fn any_tokens_expand(text in "\\PC{0,80}") {
            if let Ok(tokens) = format!("[krate] {text}").parse() {
                expand(tokens);
            }
        }

        #[test]
        fn any_string_expands(text in any::<String>()) {
            expanded(&format!("{text:?}"));
        }
    }
}
