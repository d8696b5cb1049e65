//! Texts of a megabyte that nobody wrote in good faith: each is answered with a finding, and
//! nothing overflows. How long each takes is printed (`--nocapture`) and not asserted: machines
//! differ.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use std::time::Instant;

use freeze_dsl::analyze;
use freeze_dsl::diagnostic::{Code, Diagnostic};
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;

const RESNET18: &str = include_str!("models/resnet18.model.json");
const SIZE: usize = 1 << 20;

/// `text` again and again, up to a megabyte.
fn filled(text: &str) -> String {
    text.repeat(SIZE / text.len())
}

/// Reads, checks and prints a policy, with and without a model.
fn answered(what: &str, text: String) -> Vec<Diagnostic> {
    let size = text.len();
    let started = Instant::now();
    let analysis = analyze(Source::new(text));
    let read = started.elapsed();
    let analysis = analysis.against(&Model::from_json(RESNET18).unwrap());
    let bound = started.elapsed().saturating_sub(read);
    let printed = analysis.findings.to_string();
    let found = analysis.findings.diagnostics().to_vec();
    println!(
        "{what}: {size} bytes read in {read:?}, checked against a model in {bound:?}, \
         {} findings, {} bytes printed, {:?} in all",
        found.len(),
        printed.len(),
        started.elapsed(),
    );
    assert!(!printed.is_empty());
    found
}

#[track_caller]
fn is_answered(what: &str, text: String, code: Code) {
    let found = answered(what, text);
    assert!(found.iter().any(|found| found.code == code), "{what}: {:?}", found.first());
}

#[test]
fn nested_parentheses() {
    let deep = SIZE / 2;
    let text = format!("start: train {}fc{};", "(".repeat(deep), ")".repeat(deep));
    is_answered("parentheses", text, Code::FRZ0103);
    is_answered("open parentheses", filled("("), Code::FRZ0103);
    is_answered("statements of parentheses", filled("start: train ((((fc;"), Code::FRZ0101);
}

#[test]
fn loops_within_loops() {
    is_answered("loops", filled("for i in 0..9 { "), Code::FRZ0103);
    // As deep as is allowed, closed and never closed.
    let opened = "for i in 0..9 { ".repeat(120);
    let text = format!("{opened}start: train fc lr i;{}", "}".repeat(120));
    is_answered("loops that are closed", text, Code::FRZ0105);
    let opened = "for i in 0..9 {; ".repeat(120);
    is_answered("loops that are not closed", opened, Code::FRZ0101);
    is_answered("loops side by side", filled("for i in 0..9 { start: train fc; } "), Code::FRZ0105);
}

#[test]
fn loops_of_much() {
    let body = "start: set fc lr 1;".repeat(SIZE / 19);
    is_answered("turns of many rules", format!("for i in 0..1e5 {{ {body} }}"), Code::FRZ0105);
    let body = vec!["fc"; SIZE / 4].join(", ");
    let text = format!("for i in 0..1e5 {{ start: set {body} lr 1; }}");
    is_answered("turns of one long action", text, Code::FRZ0105);
}

#[test]
fn a_million_semicolons() {
    is_answered("semicolons", filled(";"), Code::FRZ0101);
    is_answered("semicolons with spaces", filled("; "), Code::FRZ0101);
}

#[test]
fn one_endless_name() {
    is_answered("a statement of one name", filled("a"), Code::FRZ0102);
    is_answered("a path of one name", format!("start: train {};", filled("a")), Code::FRZ0201);
    is_answered("a path of many", format!("start: train a{};", filled(".a")), Code::FRZ0201);
    is_answered("stars", format!("start: train {};", filled("*a")), Code::FRZ0201);
    is_answered("any depths", format!("start: train fc{};", filled(".**.a")), Code::FRZ0201);
}

#[test]
fn nothing_that_is_a_policy() {
    is_answered("zero bytes", filled("\0"), Code::FRZ0101);
    is_answered("characters of four bytes", filled("🧊"), Code::FRZ0101);
    is_answered("spaces", filled(" "), Code::FRZ0101);
    is_answered(
        "replaced bytes",
        String::from_utf8_lossy(&vec![0xFF; SIZE / 3]).into(),
        Code::FRZ0101,
    );
}

#[test]
fn chains_of_signs() {
    is_answered("minus", format!("start: train fc lr {}1;", filled("-")), Code::FRZ0101);
    is_answered("differences", format!("start: train fc lr 1{};", filled("-1")), Code::FRZ0103);
    is_answered("powers", format!("start: train fc lr 1{};", filled("^1")), Code::FRZ0103);
    is_answered(
        "powers of signs",
        format!("start: train fc lr 1{};", filled("^-1")),
        Code::FRZ0103,
    );
}

#[test]
fn what_never_ends() {
    is_answered("a comment", format!("start: train fc; /*{}", filled("*")), Code::FRZ0101);
    is_answered("comments in comments", filled("/*"), Code::FRZ0101);
    is_answered("a string", format!("start: train \"{}", filled("a")), Code::FRZ0101);
    is_answered("quotes", filled("\"") + "\"", Code::FRZ0101);
    is_answered("backslashes", format!("start: train \"{};", filled("\\")), Code::FRZ0101);
}

#[test]
fn unknown_words() {
    is_answered("statements", filled("unknown_word;"), Code::FRZ0102);
    is_answered("actions", format!("start: {}stop;", filled("wrong fc, ")), Code::FRZ0102);
    is_answered("names", filled("start: train @unknown;"), Code::FRZ0202);
    is_answered("paths", filled("start: train layer5;"), Code::FRZ0201);
    is_answered("numbers", filled("start: set fc lr unknown;"), Code::FRZ0202);
}

#[test]
fn deep_braces() {
    is_answered("braces", filled("{"), Code::FRZ0103);
    is_answered(
        "a hundred open braces",
        format!("start: train fc lr {}", "{ ".repeat(100)),
        Code::FRZ0101,
    );
    let many = format!("for i in 0..2 {{ start: train fc lr {};", "{ ".repeat(100));
    is_answered("and within a loop", many, Code::FRZ0101);
    is_answered("closing braces", filled("}"), Code::FRZ0101);
    is_answered("sets of words", format!("start: train {{fc{}}};", filled(",fc")), Code::FRZ0502);
}

#[test]
fn names_of_names() {
    // Each name stands for twice what the one before it does.
    let doubling = |first: &str, next: fn(usize) -> String| {
        let later: String =
            (1..60).flat_map(|at| [format!("let @a{at} = {};", next(at - 1))]).collect();
        format!("let @a0 = {first};{later} start: set @a59 lr 1 lr 2;")
    };
    let union: fn(usize) -> String = |at| format!("@a{at}, @a{at}");
    is_answered("unions", doubling("@trainable", union), Code::FRZ0105);
    let except: fn(usize) -> String = |at| format!("@a{at} except @a{at}");
    is_answered("differences", doubling("@trainable", except), Code::FRZ0105);
    is_answered("paths", doubling("fc", union), Code::FRZ0403);
    let list: fn(usize) -> String = |at| format!("[@a{at}, @a{at}]");
    is_answered("lists", doubling("[@trainable]", list), Code::FRZ0105);
    is_answered("lists of paths", doubling("[fc]", list), Code::FRZ0403);
    let names = (0..SIZE / 24).flat_map(|at| [format!("let n{at} = {at};")]).collect::<String>();
    is_answered("many names", format!("{names} start: train fc;"), Code::FRZ0504);
}
