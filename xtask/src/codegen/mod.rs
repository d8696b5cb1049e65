//! The words of the language in the grammars of editors, all from one list: `vocabulary.rs`.

mod text_mate;
mod tree_sitter;
mod vocabulary;

use std::fs;

use crate::error::Error;
use crate::program::root;
use vocabulary::Vocabulary;

/// A file of a grammar, and the function that writes the words into its text.
type Target = (&'static str, fn(&str, &Vocabulary) -> Result<String, String>);

const TARGETS: [Target; 3] = [
    ("editors/vscode/syntaxes/freeze.tmLanguage.json", text_mate::with_words),
    ("editors/tree-sitter-freeze/words.js", tree_sitter::words),
    ("editors/tree-sitter-freeze/queries/highlights.scm", tree_sitter::with_highlights),
];

/// Has every word of tree-sitter's grammar.
const GRAMMAR: &str = "editors/tree-sitter-freeze/src/grammar.json";

/// Writes the words into the grammars; or, with `only_checks`, fails where they differ.
pub(crate) fn run(only_checks: bool) -> Result<(), Error> {
    let vocabulary = Vocabulary::read(&read("freeze-dsl/src/vocabulary.rs")?)?;
    for (path, with_words) in TARGETS {
        let known = read(path)?;
        let text = with_words(&known, &vocabulary).map_err(|reason| invalid(path, &reason))?;
        if known == text {
            continue;
        }
        if only_checks {
            let reason = "it does not have the words of vocabulary.rs; run `cargo xtask codegen`";
            return Err(invalid(path, reason));
        }
        fs::write(root().join(path), text).map_err(|error| failed(path, &error))?;
        println!("wrote {path}");
    }
    // It is generated from the files above by a test.
    if only_checks {
        let checked = tree_sitter::check_grammar(&read(GRAMMAR)?, &vocabulary);
        checked.map_err(|reason| invalid(GRAMMAR, &reason))?;
    }
    Ok(())
}

fn read(path: &str) -> Result<String, Error> {
    fs::read_to_string(root().join(path)).map_err(|error| failed(path, &error))
}

fn failed(path: &str, error: &std::io::Error) -> Error {
    invalid(path, &error.to_string())
}

fn invalid(path: &str, reason: &str) -> Error {
    Error::line(format!("{path}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammars_have_the_words_of_the_vocabulary() {
        assert_eq!(run(true), Ok(()));
    }
}
