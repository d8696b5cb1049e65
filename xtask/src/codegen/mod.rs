//! The words of the language in the grammars of editors, all from one list: `vocabulary.rs`.

mod vocabulary;

use std::fs;

use crate::error::Error;
use crate::program::root;
use vocabulary::Vocabulary;

/// The grammar of Visual Studio Code. In it, each line with a `"comment"` that names lists of the
/// vocabulary has a pattern of their words.
const TEXT_MATE: &str = "editors/vscode/syntaxes/freeze.tmLanguage.json";

/// Writes the words into the grammars; or, with `only_checks`, fails where they differ.
pub(crate) fn run(only_checks: bool) -> Result<(), Error> {
    let vocabulary = Vocabulary::read(&read("freeze-dsl/src/vocabulary.rs")?)?;
    let known = read(TEXT_MATE)?;
    let text = text_mate(&known, &vocabulary)?;
    if known == text {
        return Ok(());
    }
    if only_checks {
        return Err(Error::line(format!(
            "{TEXT_MATE} does not have the words of vocabulary.rs; run `cargo xtask codegen`"
        )));
    }
    fs::write(root().join(TEXT_MATE), text).map_err(|error| failed(TEXT_MATE, &error))?;
    println!("wrote {TEXT_MATE}");
    Ok(())
}

fn read(path: &str) -> Result<String, Error> {
    fs::read_to_string(root().join(path)).map_err(|error| failed(path, &error))
}

fn failed(path: &str, error: &std::io::Error) -> Error {
    Error::line(format!("{path}: {error}"))
}

/// The grammar of Visual Studio Code with the words in its patterns. Each keyword must be in one.
fn text_mate(grammar: &str, vocabulary: &Vocabulary) -> Result<String, Error> {
    let invalid = |reason: &str| Error::line(format!("{TEXT_MATE}: {reason}"));
    let mut text = String::with_capacity(grammar.len());
    let mut written: Vec<&str> = Vec::new();
    for line in grammar.split_inclusive('\n') {
        let Some((before, rest)) = line.split_once("\"comment\": \"") else {
            text.push_str(line);
            continue;
        };
        let (lists, after) = rest
            .split_once("\", \"match\": \"")
            .ok_or_else(|| invalid("a comment without a pattern"))?;
        let (_, after) =
            after.split_once("\" }").ok_or_else(|| invalid("a pattern without its end"))?;
        let mut words: Vec<&str> =
            lists.split(' ').flat_map(|list| vocabulary.list(list)).collect();
        words.sort_unstable();
        words.dedup();
        let sign = if lists == "READY_MADE" { "@" } else { r"\\b" };
        let pattern = format!(r"{sign}({})\\b(?!\\*)", words.join("|"));
        text.extend([
            before,
            "\"comment\": \"",
            lists,
            "\", \"match\": \"",
            &pattern,
            "\" }",
            after,
        ]);
        written.extend(words);
    }
    match vocabulary.keywords().iter().find(|word| !written.contains(word)) {
        Some(missing) => Err(invalid(&format!("no pattern has `{missing}`"))),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammars_have_the_words_of_the_vocabulary() {
        assert_eq!(run(true), Ok(()));
    }

    #[test]
    fn a_pattern_has_the_words_of_its_lists() {
        let source = vocabulary::tests::source("STATEMENTS", &["run", "let"]);
        let Ok(vocabulary) = Vocabulary::read(&source) else { panic!("a vocabulary") };
        let grammar = "{ \"comment\": \"STATEMENTS\", \"match\": \"old\" },\n";
        let expected =
            "{ \"comment\": \"STATEMENTS\", \"match\": \"\\\\b(let|run)\\\\b(?!\\\\*)\" },\n";
        assert_eq!(text_mate(grammar, &vocabulary).as_deref(), Ok(expected));
        assert!(text_mate("{}", &vocabulary).is_err());
    }
}
