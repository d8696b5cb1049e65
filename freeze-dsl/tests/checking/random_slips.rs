//! A slip anywhere in a right policy: edits that are made without asking lose nothing that was
//! written, make nothing worse, and come to an end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::collections::HashMap;
use std::path::Path;
use std::{env, fs};

use freeze_dsl::Draft;
use freeze_dsl::diagnostic::{Applicability, Code, Diagnostic, applied, disjoint};
use freeze_dsl::source::Source;
use freeze_dsl::vocabulary::{FLAGS, OPTIMIZERS, keywords};
use proptest::prelude::Rng;
use proptest::test_runner::{TestRng, TestRunner};

/// How many slips are made in each policy, unless the environment variable `FREEZE_MUTATIONS` has
/// another number.
const SLIPS: usize = 12;

/// After so many rounds, edits have come to an end.
const MOST_ROUNDS: usize = 8;

/// The right policies of the project, with the names of their files.
fn policies() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = Vec::new();
    for folder in ["examples/policies", "tests/reference/cases", "freeze-dsl/tests/policies"] {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let policies = paths.filter(|path| path.extension().is_some_and(|it| it == "freeze"));
        all.extend(
            policies.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())),
        );
    }
    let page = fs::read_to_string(root.join("LANGUAGE.md")).unwrap();
    let blocks = page.split("```freeze\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    all.extend(blocks.map(|block| ("LANGUAGE.md".to_owned(), block.to_owned())));
    all.sort();
    all
}

/// The words, numbers and signs of a text; white space and comments lie between them.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            rest[1..].find('"').map_or(rest.len(), |end| end + 2)
        } else if first.is_ascii_digit() {
            number_length(rest)
        } else if is_word(first) {
            rest.find(|sign| !is_word(sign)).unwrap_or(rest.len())
        } else {
            let signs = ["..=", "->", "..", "**", "<=", ">="];
            signs
                .iter()
                .find(|sign| rest.starts_with(**sign))
                .map_or(first.len_utf8(), |it| it.len())
        };
        let (token, after) = rest.split_at(length);
        if !first.is_whitespace() && !token.starts_with("//") {
            tokens.push(token);
        }
        rest = after;
    }
    tokens
}

fn number_length(text: &str) -> usize {
    let digits = |text: &str| {
        text.find(|sign: char| !(sign.is_ascii_digit() || sign == '_')).unwrap_or(text.len())
    };
    let mut end = digits(text);
    let fraction = text[end..].strip_prefix('.').map_or(0, digits);
    end += if fraction > 0 { fraction + 1 } else { 0 };
    let exponent = text[end..].strip_prefix('e').map_or(0, |rest| {
        let sign = usize::from(rest.starts_with(['-', '+']));
        let digits = digits(&rest[sign..]);
        if digits > 0 { 1 + sign + digits } else { 0 }
    });
    end + exponent
}

/// A policy with one slip.
fn slipped(text: &str, random: &mut TestRng) -> String {
    let all = tokens(text);
    let mut below = |end: usize| random.next_u32() as usize % end;
    let place = |token: &str| token.as_ptr().addr() - text.as_ptr().addr();
    let at = below(all.len() - 1);
    let (token, next) = (all[at], all[at + 1]);
    let (start, end) = (place(token), place(token) + token.len());
    let (before, after) = (&text[..start], &text[end..]);
    match below(4) {
        0 => format!("{before}{after}"),
        1 => format!("{before}{token} {token}{after}"),
        2 => {
            let (between, rest) = (&text[end..place(next)], &text[place(next) + next.len()..]);
            format!("{before}{next}{between}{token}{rest}")
        }
        _ => {
            let mut letters: Vec<char> = token.chars().collect();
            let letter = below(letters.len());
            match below(3) {
                0 => drop(letters.remove(letter)),
                1 => letters.insert(letter, letters[letter]),
                _ => letters.swap(letter, (letter + 1) % token.chars().count()),
            }
            format!("{before}{}{after}", letters.iter().collect::<String>())
        }
    }
}

/// How often each number and each name is written.
fn written(text: &str) -> HashMap<String, usize> {
    let is_word = |token: &str| {
        keywords().chain(FLAGS).any(|word| word == token)
            || OPTIMIZERS
                .iter()
                .any(|(name, arguments)| *name == token || arguments.contains(&token))
    };
    let mut all = HashMap::new();
    for token in tokens(text) {
        let is_name = token.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_');
        if is_name && !is_word(token) {
            let number = token.replace('_', "").parse::<f64>();
            *all.entry(number.map_or(token.to_owned(), |value| value.to_string())).or_default() +=
                1;
        }
    }
    all
}

fn found(text: &str) -> Vec<Diagnostic> {
    Draft::read(Source::new(text.to_owned())).check().findings.diagnostics().to_vec()
}

fn syntax(found: &[Diagnostic]) -> usize {
    let is_syntax = |code| matches!(code, Code::Syntax | Code::UnknownWord | Code::NestedTooDeeply);
    found.iter().filter(|finding| is_syntax(finding.code)).count()
}

/// What is wrong with the edits of a text with a slip in a policy, if anything.
fn fault(policy: &str, slip: &str) -> Option<String> {
    let mut text = slip.to_owned();
    let mut before = found(&text);
    let (first, meant) = (written(slip), written(policy));
    for round in 0.. {
        let safe = |finding: &'_ &Diagnostic| {
            finding.suggestions.iter().any(|it| it.applicability == Applicability::Safe)
        };
        let findings: Vec<&Diagnostic> = before.iter().filter(safe).collect();
        let suggestions = findings.iter().map(|finding| {
            finding.suggestions.iter().find(|it| it.applicability == Applicability::Safe).unwrap()
        });
        let suggestions = disjoint(suggestions.collect(), |it| it);
        if suggestions.is_empty() {
            return None;
        }
        let edited = applied(&text, suggestions.iter().flat_map(|it| &it.edits));
        let after = found(&edited);
        let messages: Vec<&str> = findings.iter().map(|it| it.message.as_str()).collect();
        let fault =
            |what: &str| Some(format!("{what}\n{text}\n--- became\n{edited}\n{messages:?}"));
        if round == MOST_ROUNDS {
            return fault("no end of edits");
        }
        if syntax(&after) > syntax(&before) {
            return fault("more syntax errors");
        }
        let left = written(&edited);
        // What was doubled may go once, and what is misspelt is no name that was meant.
        let lost = first.iter().find(|(name, count)| {
            let least = meant.get(*name).map_or(0, |meant| *meant.min(*count));
            left.get(*name).copied().unwrap_or(0) < least
        });
        if let Some((name, _)) = lost {
            return fault(&format!("lost `{name}`"));
        }
        (text, before) = (edited, after);
    }
    None
}

#[test]
fn edits_after_a_slip_lose_nothing_and_come_to_an_end() {
    let slips = env::var("FREEZE_MUTATIONS").map_or(SLIPS, |slips| slips.parse().unwrap());
    let mut runner = TestRunner::deterministic();
    let mut faults = Vec::new();
    let policies = policies();
    assert!(policies.len() > 40);
    for (file, policy) in &policies {
        for _ in 0..slips {
            let slip = slipped(policy, runner.rng());
            faults.extend(fault(policy, &slip).map(|fault| format!("{file}: {fault}\n")));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
