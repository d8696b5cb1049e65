//! LANGUAGE.md: its policies are sound, and it knows every word of the grammar.

use freeze_dsl::Draft;
use freeze_dsl::source::Source;

const PAGE: &str = include_str!("../../LANGUAGE.md");

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
fn it_knows_every_word() {
    let grammar = include_str!("../src/grammar.pest");
    let words = grammar.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("kw_")?.split_once(' ')?;
        Some(name)
    });
    let known = |word: &str| {
        PAGE.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).any(|it| it == word)
    };
    let missing: Vec<&str> = words.filter(|word| !known(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
