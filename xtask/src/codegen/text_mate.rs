//! The grammar of Visual Studio Code. In it, each line with a `"comment"` that names lists of the
//! vocabulary has a pattern of their words.

use super::vocabulary::Vocabulary;

/// The grammar with the words in its patterns. Each keyword must be in one.
pub(super) fn with_words(grammar: &str, vocabulary: &Vocabulary) -> Result<String, String> {
    let mut text = String::with_capacity(grammar.len());
    let mut written: Vec<&str> = Vec::new();
    for line in grammar.split_inclusive('\n') {
        let Some((before, rest)) = line.split_once("\"comment\": \"") else {
            text.push_str(line);
            continue;
        };
        let (lists, after) =
            rest.split_once("\", \"match\": \"").ok_or("a comment without a pattern")?;
        let (_, after) = after.split_once("\" }").ok_or("a pattern without its end")?;
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
        Some(missing) => Err(format!("no pattern has `{missing}`")),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary;
    use super::*;

    #[test]
    fn a_pattern_has_the_words_of_its_lists() {
        let source = vocabulary::tests::source("STATEMENTS", &["run", "let"]);
        let Ok(vocabulary) = Vocabulary::read(&source) else { panic!("a vocabulary") };
        let grammar = "{ \"comment\": \"STATEMENTS\", \"match\": \"old\" },\n";
        let expected =
            "{ \"comment\": \"STATEMENTS\", \"match\": \"\\\\b(let|run)\\\\b(?!\\\\*)\" },\n";
        assert_eq!(with_words(grammar, &vocabulary).as_deref(), Ok(expected));
        assert!(with_words("{}", &vocabulary).is_err());
    }
}
