//! The lists of words in the source of `vocabulary.rs`, read without compiling it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::error::Error;

/// The lists of keywords; optimizers and ready-made names are none.
const KEYWORDS: [&str; 10] = [
    "STATEMENTS",
    "TRIGGERS",
    "ACTIONS",
    "OPTIONS",
    "AFTER_TARGETS",
    "SHAPES",
    "SELECTORS",
    "FUNCTIONS",
    "UNITS",
    "INNER",
];

/// The constants of `vocabulary.rs`, each with its words in order.
pub(super) struct Vocabulary(BTreeMap<String, Vec<String>>);

impl Vocabulary {
    pub(super) fn read(source: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::line(format!("vocabulary.rs: {reason}"));
        let stream: TokenStream = source.parse().map_err(|_| invalid("it has no tokens"))?;
        let mut lists = BTreeMap::new();
        let mut tokens = stream.into_iter();
        while let Some(token) = tokens.next() {
            if !matches!(&token, TokenTree::Ident(word) if word == "const") {
                continue;
            }
            let Some(TokenTree::Ident(name)) = tokens.next() else { continue };
            // After the type, an `=` and the value.
            let is_equals = |token: &TokenTree| matches!(token, TokenTree::Punct(sign) if sign.as_char() == '=');
            let value = tokens.by_ref().skip_while(|token| !is_equals(token)).nth(1);
            if let Some(TokenTree::Group(group)) = value
                && group.delimiter() == Delimiter::Bracket
            {
                lists.insert(name.to_string(), strings(group.stream()));
            }
        }
        match KEYWORDS.iter().find(|list| !lists.contains_key(**list)) {
            Some(missing) => Err(invalid(&format!("there is no list {missing}"))),
            None => Ok(Self(lists)),
        }
    }

    /// The words of a list.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.0.get(name).into_iter().flatten().map(String::as_str).collect()
    }

    /// Every keyword once, sorted.
    pub(super) fn keywords(&self) -> Vec<&str> {
        let all: BTreeSet<&str> = KEYWORDS.iter().flat_map(|list| self.list(list)).collect();
        all.into_iter().collect()
    }
}

/// The string literals of a stream, in order; of a pair, the first.
fn strings(stream: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in stream {
        match token {
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                found.extend(
                    text.strip_prefix('"').and_then(|it| it.strip_suffix('"')).map(str::to_owned),
                );
            }
            TokenTree::Group(pair) if pair.delimiter() == Delimiter::Parenthesis => {
                found.extend(strings(pair.stream()).into_iter().next());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A vocabulary with these words in one list, and nothing in the other lists.
    pub(in super::super) fn source(list: &str, words: &[&str]) -> String {
        let lists = KEYWORDS.map(|name| {
            let words = if name == list { format!("{words:?}") } else { "[]".to_owned() };
            format!("pub const {name}: [&str; 9] = {words};\n")
        });
        lists.concat()
    }

    #[test]
    fn lists_and_pairs_are_read_in_order() {
        let pairs = r#"pub const PAIRS: [(&str, &[&str]); 2] = [("x", &["y"]), ("w", &[])];"#;
        let source = source("UNITS", &["b", "a"]) + pairs;
        let Ok(vocabulary) = Vocabulary::read(&source) else { panic!("a vocabulary") };
        assert_eq!(vocabulary.list("PAIRS"), ["x", "w"]);
        assert_eq!(vocabulary.list("UNITS"), ["b", "a"]);
        assert_eq!(vocabulary.keywords(), ["a", "b"]);
        assert!(Vocabulary::read("const STATEMENTS: [&str; 0] = [];").is_err());
    }
}
