//! Policies made from the grammar, for tests: every construct of the language, in texts that
//! parse. What they select and define is random, so most do not pass the checks after the parser;
//! those that [`sound`] makes do.
//!
//! A policy is a list of words and signs, so that a test can put anything between them.

mod grammar;
mod sound;

pub use sound::sound;

use grammar::item;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Words and signs; white space and comments are allowed between any two of them.
pub type Words = Vec<String>;

/// A policy's words and signs.
pub fn policy() -> impl Strategy<Value = Words> {
    (vec(item(3), 1..6), any::<bool>()).prop_map(|(items, is_ended)| {
        let mut words = items.concat();
        // The last `;` may be left out.
        if !is_ended && words.last().is_some_and(|last| last == ";") {
            words.pop();
        }
        words
    })
}

/// The words, one space between two of them.
#[must_use]
pub fn spaced(words: &[String]) -> String {
    words.join(" ")
}

/// What to put between words: some of these, in any order.
pub fn gaps(choices: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(choices), 1..60)
}

/// The words with these gaps before, between and after them. Each `#` in a gap becomes a number of
/// its own, so that comments are distinct.
#[must_use]
pub fn spread(words: &[String], gaps: &[&str]) -> String {
    let mut text = String::new();
    let mut count = 0;
    let words = words.iter().map(String::as_str).chain([""]);
    for (word, gap) in words.zip(gaps.iter().cycle()) {
        for (index, part) in gap.split('#').enumerate() {
            if index > 0 {
                count += 1;
                text.extend(["c", &count.to_string(), "c"]);
            }
            text.push_str(part);
        }
        text.push_str(word);
        // With the next sign, it could begin a comment.
        text.push_str(if word == "/" { " " } else { "" });
    }
    text
}

/// Words and signs of the language in any order, statements and any characters among them.
pub fn any_text() -> impl Strategy<Value = String> {
    let word = select(WORDS).prop_map(str::to_owned);
    let statements = policy().prop_map(|words| spaced(&words));
    let part = prop_oneof![8 => word, 1 => statements, 2 => any::<String>()];
    vec(part, 0..40).prop_map(|parts| parts.join(" "))
}

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "start", "epoch", "epoch 3", "step", "at", "after", "every", "when", "or", "and", "as", "train",
    "train fc", "unfreeze", "unfreeze @all", "freeze", "set", "reset", "restore", "stop", "lr",
    "lr 1e-3", "weight_decay", "optimizer", "sgd", "stats", "held", "keep", "let a =", "let @a =",
    "for i in 0..2 {", "for", "in", "except", "run", "default", "model", "epochs", "steps", "rest",
    "of", "fc", "layer4", "@all", "@", "3", "1e-3", "%", "-", "->", "<", "(", ")", "[", "]", "{",
    "}", ";", ";", ":", ",", ".", "..", "..=", "*", "**", "~", "\"a\"", "\"", "\\", "/*", "*/",
    "/* a */", "//", "// b\n", "\n", "\r\n", "\u{FEFF}", "\u{85}", "\u{e9}", "\u{1F980}",
];

/// The words of a text in which spaces separate them.
fn written(text: impl AsRef<str>) -> Words {
    text.as_ref().split_whitespace().map(str::to_owned).collect()
}
