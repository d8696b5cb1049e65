//! The grammar of tree-sitter: lists of words for `grammar.js`, and the words in its highlights.

use super::vocabulary::Vocabulary;

/// What begins and ends the generated part of a query.
const BEGIN: &str = "; Written by `cargo xtask codegen`: begin\n";
const END: &str = "; Written by `cargo xtask codegen`: end\n";

/// The lists that `grammar.js` uses as a whole, with their names there.
const LISTS: [(&str, &str); 7] = [
    ("actions", "ACTIONS"),
    ("options", "OPTIONS"),
    ("after_targets", "AFTER_TARGETS"),
    ("shapes", "SHAPES"),
    ("selectors", "SELECTORS"),
    ("functions", "FUNCTIONS"),
    ("flags", "FLAGS"),
];

/// What is shown as a function; all other words are keywords.
const FUNCTIONS: [&str; 3] = ["FUNCTIONS", "SHAPES", "SELECTORS"];

/// `words.js`, whatever it has been.
#[expect(clippy::unnecessary_wraps, reason = "one of several functions with this type")]
pub(super) fn words(_: &str, vocabulary: &Vocabulary) -> Result<String, String> {
    let lists = LISTS.map(|(name, list)| {
        let words = vocabulary.list(list).into_iter().map(|word| format!("'{word}'"));
        format!("  {name}: [{}],\n", words.collect::<Vec<_>>().join(", "))
    });
    let lists = lists.concat();
    Ok(format!(
        "// Written by `cargo xtask codegen` from freeze-dsl/src/vocabulary.rs.\n\
         module.exports = {{\n{lists}}};\n"
    ))
}

/// The query with the words between its marks.
pub(super) fn with_highlights(query: &str, vocabulary: &Vocabulary) -> Result<String, String> {
    let marks = query.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = marks.ok_or("it lacks the marks of what is generated")?;
    let functions: Vec<&str> = FUNCTIONS.iter().flat_map(|list| vocabulary.list(list)).collect();
    let mut keywords = vocabulary.keywords();
    keywords.retain(|word| !functions.contains(word));
    let (keywords, functions) = (lines(&keywords), lines(&functions));
    let ready_made = lines(&vocabulary.list("READY_MADE"));
    Ok(format!(
        "{before}{BEGIN}[\n{keywords}] @keyword\n\n[\n{functions}] @function.builtin\n\n\
         ((name (identifier) @constant.builtin)\n (#any-of? @constant.builtin\n{ready_made}))\n\
         {END}{after}"
    ))
}

/// The words as strings of a query, a line each.
fn lines(words: &[&str]) -> String {
    words.iter().flat_map(|word| ["  \"", word, "\"\n"]).collect()
}

/// Fails unless the grammar has every keyword and flag, and no other word.
pub(super) fn check_grammar(grammar: &str, vocabulary: &Vocabulary) -> Result<(), String> {
    let strings = grammar.split("\"type\": \"STRING\",").skip(1).filter_map(|rest| {
        let (_, value) = rest.split_once("\"value\": \"")?;
        value.split('"').next()
    });
    let is_word = |text: &&str| text.starts_with(|sign: char| sign.is_ascii_lowercase());
    let own: Vec<&str> = strings.filter(is_word).collect();
    let mut known = vocabulary.keywords();
    known.extend(vocabulary.list("FLAGS"));
    if let Some(other) = own.iter().find(|word| !known.contains(word)) {
        return Err(format!("`{other}` is no word of the language"));
    }
    match known.iter().find(|word| !own.contains(word)) {
        Some(missing) => Err(format!("the word `{missing}` is missing")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary;
    use super::*;

    fn vocabulary(list: &str, words: &[&str]) -> Vocabulary {
        let Ok(vocabulary) = Vocabulary::read(&vocabulary::tests::source(list, words)) else {
            panic!("a vocabulary")
        };
        vocabulary
    }

    #[test]
    fn a_list_is_written_in_order() {
        let text = words("", &vocabulary("SHAPES", &["exp", "cosine"])).unwrap();
        assert!(text.contains("\n  shapes: ['exp', 'cosine'],\n"), "{text}");
    }

    #[test]
    fn highlights_are_written_between_their_marks() {
        let query = format!("a\n{BEGIN}old\n{END}b\n");
        let text = with_highlights(&query, &vocabulary("UNITS", &["step"])).unwrap();
        assert!(text.starts_with(&format!("a\n{BEGIN}[\n  \"step\"\n] @keyword\n")), "{text}");
        assert!(text.ends_with(&format!("\n{END}b\n")) && !text.contains("old"), "{text}");
        assert!(with_highlights("a", &vocabulary("UNITS", &["step"])).is_err());
    }

    #[test]
    fn a_word_that_is_missing_or_unknown_is_found() {
        let grammar = |word: &str| {
            format!("{{\n  \"type\": \"STRING\",\n  \"value\": \"{word}\"\n}}, \"value\": \"name\"")
        };
        let vocabulary = vocabulary("UNITS", &["step"]);
        assert_eq!(check_grammar(&grammar("step"), &vocabulary), Ok(()));
        let wrong = check_grammar(&grammar("steps"), &vocabulary);
        assert_eq!(wrong, Err("`steps` is no word of the language".to_owned()));
        assert!(check_grammar(&grammar(";"), &vocabulary).is_err());
    }
}
