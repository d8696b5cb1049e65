//! The macro and a file agree: the same text is the same policy, or has the same findings.

use freeze_dsl::Draft;
use freeze_dsl::format::format;
use freeze_dsl::parse::parse;
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;
use freeze_generator::{Words, gaps, policy, sound, spaced, spread};
use proc_macro2::Literal;
use proptest::prelude::*;

use crate::emit::Emit;
use crate::expand::expand;
use crate::text::TokenText;
use crate::text::tests::{tokens, without_places};

/// The expansion of the macro for a text between its braces.
fn expanded(text: &str) -> String {
    let mut input = tokens("[krate]");
    input.extend(tokens(text));
    expand(input).to_string()
}

/// A policy's text, with its words apart and in its canonical form.
fn written(words: &Words) -> [String; 2] {
    let spaced = spaced(words);
    let canonical = format(Source::new(spaced.clone())).expect("it parses");
    [spaced, canonical]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_sound_policy_becomes_its_own_tree(words in sound(|text| Policy::parse(text).is_ok())) {
        for text in written(&words) {
            let tree = Policy::parse(&text).expect("it is sound").tree().emit();
            let constant = format!("const TREE : freeze :: ast :: Tree = {tree} ;");
            prop_assert!(expanded(&text).contains(&constant), "{}", text);
        }
    }
}

proptest! {
    #[test]
    fn any_policy_has_the_errors_that_its_file_has(words in policy()) {
        for text in written(&words) {
            let draft = Draft::read(Source::new(text.clone()));
            let names_model = draft.model().is_some();
            let checked = draft.check();
            let expansion = expanded(&text);
            let findings = || checked.findings.diagnostics().iter().filter(|it| it.is_error());
            for finding in findings() {
                let reported = Literal::string(&format!("{}: {}", finding.code, finding.message));
                let reported = reported.to_string();
                prop_assert!(expansion.contains(reported.trim_end_matches('"')), "{}\n{}", reported, text);
            }
            // The file of the model does not exist.
            let errors = findings().count() + usize::from(names_model);
            prop_assert_eq!(expansion.matches("compile_error").count(), errors, "{}", text);
        }
    }

    #[test]
    fn any_policy_is_read_from_tokens_as_from_text(
        words in policy(),
        gaps in gaps(&[
            " ", " ", "\n", "\t ", " // #\n", "\n  /// # \u{e9}\n", "/*#*/", "/** # */",
            " /* # /* # */\n \u{1F9CA} */ ",
        ]),
    ) {
        let text = spread(&words, &gaps);
        let (tree, found) = parse(&text);
        prop_assert_eq!(found, vec![], "{}", text);
        for tokens in [tokens(&text), without_places(tokens(&text))] {
            let again = TokenText::new(tokens).text;
            prop_assert_eq!(parse(&again), (tree.clone(), vec![]), "{}\n{}", text, again);
        }
    }
}
