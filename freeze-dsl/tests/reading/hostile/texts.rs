//! Texts that nobody wrote in good faith, for the test and for the bench.

use freeze_dsl::diagnostic::Code;

/// A text of about this many bytes, and a finding that it causes.
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) code: Code,
    pub(crate) text: fn(usize) -> String,
}

const fn hostile(name: &'static str, code: Code, text: fn(usize) -> String) -> Hostile {
    Hostile { name, code, text }
}

pub(crate) const ALL: [Hostile; 57] = [
    // Nesting.
    hostile("nested parentheses", Code::NestedTooDeeply, |size| {
        format!("start: train {}fc{};", "(".repeat(size / 2), ")".repeat(size / 2))
    }),
    hostile("open parentheses", Code::NestedTooDeeply, |size| filled("(", size)),
    hostile("statements of parentheses", Code::Syntax, |size| filled("start: train ((((fc;", size)),
    hostile("open braces", Code::NestedTooDeeply, |size| filled("{", size)),
    hostile("a hundred open braces", Code::Syntax, |_| {
        format!("start: train fc lr {}", "{ ".repeat(100))
    }),
    hostile("a hundred open braces in a loop", Code::Syntax, |_| {
        format!("for i in 0..2 {{ start: train fc lr {};", "{ ".repeat(100))
    }),
    hostile("closing braces", Code::Syntax, |size| filled("}", size)),
    // Loops.
    hostile("loops within loops", Code::NestedTooDeeply, |size| filled("for i in 0..9 { ", size)),
    hostile("deep loops, closed", Code::TooManyTurns, |_| {
        let opened = "for i in 0..9 { ".repeat(120);
        format!("{opened}start: train fc lr i;{}", "}".repeat(120))
    }),
    hostile("deep loops, not closed", Code::Syntax, |_| "for i in 0..9 {; ".repeat(120)),
    hostile("loops side by side", Code::TooManyTurns, |size| {
        filled("for i in 0..999 { start: train fc; } ", size)
    }),
    hostile("turns of many rules", Code::TooManyTurns, |size| {
        format!("for i in 0..1e5 {{ {} }}", filled("start: set fc lr 1;", size))
    }),
    hostile("turns of one long action", Code::TooManyTurns, |_| {
        format!("for i in 0..1e5 {{ start: set {}fc lr 1; }}", "fc, ".repeat(20_000))
    }),
    // One thing without end.
    hostile("semicolons", Code::Syntax, |size| filled(";", size)),
    hostile("semicolons and spaces", Code::Syntax, |size| filled("; ", size)),
    hostile("one endless word", Code::UnknownWord, |size| filled("a", size)),
    hostile("one endless name", Code::SelectsNothing, |size| {
        format!("start: train {};", filled("a", size))
    }),
    hostile("a path without end", Code::SelectsNothing, |size| {
        format!("start: train a{};", filled(".a", size))
    }),
    hostile("a list without end", Code::NestedTooDeeply, |size| {
        format!("start: train a{};", filled(",a", size.max(1 << 18)))
    }),
    hostile("long lists", Code::SelectsNothing, |size| long("start: train a", ",a", size)),
    hostile("long sets", Code::SelectsNothing, |size| long("start: train {a}", ",{a}", size)),
    hostile("stars", Code::SelectsNothing, |size| format!("start: train {};", filled("*a", size))),
    hostile("any depths", Code::SelectsNothing, |size| {
        format!("start: train fc{};", filled(".**.a", size))
    }),
    hostile("a long set", Code::NeverTrains, |_| {
        format!("start: train {{fc{}}};", ",fc".repeat(40_000))
    }),
    // Numbers.
    hostile("minus", Code::NestedTooDeeply, |size| {
        format!("start: train fc lr {}1;", filled("-", size.min(1 << 16)))
    }),
    hostile("differences", Code::NestedTooDeeply, |size| {
        format!("start: train fc lr 1{};", filled("-1", size.min(1 << 16)))
    }),
    hostile("powers", Code::NestedTooDeeply, |size| {
        format!("start: train fc lr 1{};", filled("^1", size.min(1 << 16)))
    }),
    hostile("powers of signs", Code::NestedTooDeeply, |size| {
        format!("start: train fc lr 1{};", filled("^-1", size.min(1 << 16)))
    }),
    hostile("long minimums", Code::Syntax, |size| long("start: train fc lr min(1", ",1", size)),
    // No policy at all.
    hostile("zero bytes", Code::NestedTooDeeply, |size| filled("\0", size.max(1 << 19))),
    hostile("characters of four bytes", Code::NestedTooDeeply, |size| {
        filled("🧊", size.max(1 << 19))
    }),
    hostile("spaces", Code::Syntax, |size| filled(" ", size)),
    hostile("invalid UTF-8, replaced", Code::NestedTooDeeply, |size| {
        String::from_utf8_lossy(&vec![0xFF; size.max(1 << 19) / 3]).into()
    }),
    // What never ends.
    hostile("a comment without end", Code::Syntax, |size| {
        format!("start: train fc; /*{}", filled("*", size))
    }),
    hostile("comments in comments", Code::Syntax, |size| filled("/*", size)),
    hostile("a string without end", Code::Syntax, |size| {
        format!("start: train \"{}", filled("a", size))
    }),
    hostile("quotes", Code::Syntax, |size| filled("\"", size / 2 * 2) + "\""),
    hostile("backslashes", Code::Syntax, |size| format!("start: train \"{};", filled("\\", size))),
    // Unknown names.
    hostile("unknown statements", Code::UnknownWord, |size| filled("unknown_word;", size)),
    hostile("unknown actions", Code::UnknownWord, |size| {
        format!("start: {}stop;", filled("wrong fc, ", size.min(1 << 18)))
    }),
    hostile("unknown names", Code::UnknownName, |size| filled("start: train @unknown;", size)),
    hostile("unknown paths", Code::SelectsNothing, |size| filled("start: train layer5;", size)),
    hostile("unknown numbers", Code::UnknownName, |size| filled("start: set fc lr unknown;", size)),
    hostile("unused names", Code::UnusedLet, |size| {
        let names = (0..size / 24).flat_map(|at| [format!("let n{at} = {at};")]);
        format!("{} start: train fc;", names.collect::<String>())
    }),
    // Each name is a list of twice the length of the one before it.
    hostile("unions of unions", Code::TooManyTurns, |_| {
        doubling("@trainable", |at| format!("@a{at}, @a{at}"))
    }),
    hostile("differences of differences", Code::TooManyTurns, |_| {
        doubling("@trainable", |at| format!("@a{at} except @a{at}"))
    }),
    hostile("unions of paths", Code::MisplacedOption, |_| {
        doubling("fc", |at| format!("@a{at}, @a{at}"))
    }),
    hostile("lists of lists", Code::TooManyTurns, |_| {
        doubling("[@trainable]", |at| format!("[@a{at}, @a{at}]"))
    }),
    hostile("lists of lists of paths", Code::MisplacedOption, |_| {
        doubling("[fc]", |at| format!("[@a{at}, @a{at}]"))
    }),
    // As dense as each part of a policy can be.
    hostile("rules without end", Code::NoEffect, |size| filled("start:set fc lr 1;", size)),
    hostile("rules in the wrong order", Code::PastMoment, |size| {
        let count = size / 28;
        let rules: Vec<String> =
            (0..count).rev().map(|at| format!("epoch {at:06}: set fc lr 1;")).collect();
        rules.concat()
    }),
    hostile("actions without a trigger", Code::UnknownWord, |size| {
        format!("epoch 3: train fc;{}", filled("set fc lr 1;", size))
    }),
    hostile("many actions", Code::NeverFires, |size| long("start: stop", ",stop", size)),
    hostile("many conditions", Code::Syntax, |size| long("when a<1", " and a<1", size)),
    hostile("many options", Code::MisplacedOption, |size| {
        long("start: train fc lr 1", " lr 1", size)
    }),
    hostile("many groups", Code::SelectsNothing, |size| long("start: train (a)", ",(a)", size)),
    hostile("many names", Code::UnknownName, |size| long("start: train @a", ",@a", size)),
];

/// `text` again and again, up to a size.
fn filled(text: &str, size: usize) -> String {
    text.repeat(size / text.len())
}

/// Statements that go on in the same way for nearly as long as they may, up to a size.
fn long(first: &str, next: &str, size: usize) -> String {
    let statement = format!("{first}{};", next.repeat(15_000.min(size / next.len())));
    statement.repeat(size.div_ceil(statement.len()))
}

fn doubling(first: &str, next: fn(usize) -> String) -> String {
    let later: String =
        (1..60).flat_map(|at| [format!("let @a{at} = {};", next(at - 1))]).collect();
    format!("let @a0 = {first};{later} start: set @a59 lr 1 lr 2;")
}
