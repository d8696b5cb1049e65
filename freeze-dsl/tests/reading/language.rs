//! LANGUAGE.md: its policies are sound, and it has every word of the language. So has the
//! dictionary of the fuzz targets.

use freeze_dsl::Draft;
use freeze_dsl::source::Source;
use freeze_dsl::vocabulary::{FLAGS, OPTIMIZERS, READY_MADE, keywords};

const PAGE: &str = include_str!("../../../LANGUAGE.md");

#[test]
fn its_policies_are_sound() {
    let blocks = PAGE.split("```freeze\n").skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<&str> = blocks.collect();
    assert!(blocks.len() > 3);
    for block in blocks {
        let findings = Draft::read(Source::new(block)).check().findings;
        assert!(findings.diagnostics().is_empty(), "{findings}");
    }
}

#[test]
fn it_has_every_keyword() {
    assert_eq!(missing(PAGE, keywords()), [""; 0]);
}

#[test]
fn the_dictionary_for_fuzzing_has_every_word() {
    let dictionary = include_str!("../../../fuzz/words.dict");
    let arguments = OPTIMIZERS.iter().flat_map(|(_, arguments)| arguments.iter().copied());
    let optimizers = OPTIMIZERS.iter().map(|(name, _)| *name).chain(arguments).chain(FLAGS);
    let words = keywords().chain(READY_MADE).chain(optimizers);
    assert_eq!(missing(dictionary, words), [""; 0]);
}

/// The words that a text has not.
fn missing(text: &str, words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let is_sign = |sign: char| !(sign.is_ascii_alphanumeric() || sign == '_');
    words.filter(|word| !text.split(is_sign).any(|known| known == *word)).collect()
}
