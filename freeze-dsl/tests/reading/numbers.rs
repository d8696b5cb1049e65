//! Expressions: operators, precedence, names, functions, and what a program puts in their place.

use crate::support::{PROGRAM, clock, clock_of, finds, lr, resnet18};
use freeze_dsl::diagnostic::Code;
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;
use freeze_dsl::{Draft, OverrideError};

/// The value of an expression, read off the learning rate that it results in.
fn value(expression: &str) -> f64 {
    // Above zero, since a learning rate is.
    let mut clock = clock(&format!("start: train fc lr 1e3 + ({expression})"));
    clock.start_epoch();
    lr(&clock) - 1e3
}

#[track_caller]
fn is(expression: &str, expected: f64) {
    assert!((value(expression) - expected).abs() < 1e-9, "{expression} is {}", value(expression));
}

#[test]
fn operators_bind_as_in_mathematics() {
    is("2 + 3 * 4", 14.0);
    is("(2 + 3) * 4", 20.0);
    is("7 - 2 - 1", 4.0);
    is("16 / 4 / 2", 2.0);
    is("2 * 3 ^ 2", 18.0);
    is("2 ^ 3 ^ 2", 512.0);
    is("(2 ^ 3) ^ 2", 64.0);
    is("-2 ^ 2", -4.0);
    is("(-2) ^ 2", 4.0);
    is("2 ^ -1", 0.5);
    is("2 ^ -1 * 4", 2.0);
    is("-2 * -3", 6.0);
    is("1 - -1", 2.0);
    is("- - 2", 2.0);
    is("1 - - - 1", 0.0);
    is("- -2 ^ 2", 4.0);
    is("4 ^ 0.5", 2.0);
    is("1_000 / 1e3", 1.0);
}

#[test]
fn functions_of_numbers_and_lists() {
    is("min(3, 1, 2)", 1.0);
    is("max(3, 1 + 4, 2)", 5.0);
    is("min(7)", 7.0);
    is("max(min(1, 2), 0) * 2", 2.0);
    is("len([fc, layer4, (conv1, bn1)])", 3.0);
    is("len([layer4.*])", 2.0);
    is("len(first 2 of [fc, bn1, conv1]) ^ 2", 4.0);
}

#[test]
fn names_of_numbers() {
    let text =
        "let base = 1e-2; let third = base / 3; start: train fc lr third * 3 weight_decay base";
    let mut clock = clock(text);
    clock.start_epoch();
    assert!((lr(&clock) - 1e-2).abs() < 1e-15);
    assert_eq!(clock.groups()[0].weight_decay, Some(1e-2));
    finds("start: train fc lr bse;", &[(Code::UnknownName, "bse")]);
    // A name is known from its `let` on, wherever that is.
    finds("let a = b; let b = 1; start: train fc lr a + b;", &[(Code::UnknownName, "b")]);
    finds("start: train fc lr a; let a = 1;", &[]);
    // A `let` with a syntax error is one mistake.
    finds("let outlet = 1 2; start: train fc lr outlet;", &[(Code::Syntax, "2")]);
    finds("let b = 1e-3 start: train fc lr b;", &[(Code::Syntax, "start")]);
    // Numbers and parameters have names of their own.
    finds("let a = 1; let @a = fc; start: train @a lr a;", &[]);
    finds("let @a = fc; start: train fc lr a;", &[(Code::UnknownName, "a")]);
}

#[test]
fn an_expression_is_possible_wherever_a_number_is_expected() {
    let text = "let n = 2; run 5 * n epochs; epoch n: train fc; after n + 1 epochs: unfreeze bn1; \
                at (50 + 5 * n)%: unfreeze layer4[n - 1]; after n * 10%: unfreeze layer4[0..=n - 2]";
    let mut clock = clock(text);
    let fired = crate::support::firings(&mut clock, 10, 1);
    assert_eq!(fired, ["2:2 rule 1", "5:5 rule 2", "6:6 rule 3", "8:8 rule 4"]);
}

#[test]
fn what_is_no_number_is_reported_where_it_is_used() {
    finds("start: train fc lr 0 / 0;", &[(Code::InvalidValue, "0 / 0")]);
    finds("let a = 1 / 0; start: train fc lr a;", &[(Code::InvalidValue, "a")]);
    finds("epoch (0 / 0): train fc;", &[(Code::InvalidDuration, "(0 / 0)")]);
    finds("start: train fc lr (0 - 8) ^ 0.5;", &[(Code::InvalidValue, "(0 - 8) ^ 0.5")]);
}

#[test]
fn frz0104_rust_belongs_to_the_macro() {
    finds("start: train fc lr { 1e-3 };", &[(Code::RustOutsideMacro, "{ 1e-3 }")]);
    finds("start: train fc lr 2 * { x[\"}\"] };", &[(Code::RustOutsideMacro, "{ x[\"}\"] }")]);
    finds("epoch {}: train fc;", &[(Code::RustOutsideMacro, "{}")]);
}

#[test]
fn frz0504_names_that_nothing_uses() {
    finds("let a = 1; start: train fc;", &[(Code::UnusedLet, "a")]);
    finds("let a = 1; let b = a; start: train fc;", &[(Code::UnusedLet, "b")]);
    finds("let @a = fc; start: train fc;", &[(Code::UnusedLet, "@a")]);
    finds("let @a = [fc]; for i in 0..len(@a) { epoch i: train fc lr i + 1; }", &[]);
    // Where the text cannot be read, whatever is missing may use it.
    finds("let a = 1; start: tran fc lr a;", &[(Code::UnknownWord, "tran")]);
}

#[test]
fn a_program_overrides_numbers() {
    let policy =
        Policy::parse("let base = 1; let half = base / 2; start: train fc lr half").unwrap();
    let lr_of = |policy: &Policy| {
        let mut clock = clock_of(policy.source().text(), &resnet18(), PROGRAM);
        clock.start_epoch();
        let mut own = freeze_dsl::clock::Clock::new(policy.plan(&resnet18()).unwrap(), PROGRAM);
        own.start_epoch();
        (lr(&clock), lr(&own))
    };
    // What follows from the number follows.
    let other = policy.clone().with("base", 8.0).unwrap();
    assert_eq!(lr_of(&other), (0.5, 4.0));
    assert_ne!(other, policy);
    // The later one counts, and one that hides another leaves it used.
    let again = other.with("half", 3.0).unwrap();
    assert_eq!(lr_of(&again), (0.5, 3.0));
    assert!(again.diagnostics().is_empty(), "{:?}", again.diagnostics());
    assert_eq!(lr_of(&again.with("half", 7.0).unwrap()), (0.5, 7.0));

    let unknown = policy.clone().with("bse", 1.0).unwrap_err();
    assert_eq!(unknown.to_string(), "the policy defines no number `bse`; did you mean `base`?");
    let OverrideError::Policy(found) = policy.with("base", -1.0).unwrap_err() else {
        panic!("a negative learning rate is wrong");
    };
    assert_eq!(found.diagnostics()[0].code, Code::InvalidValue);
}

#[test]
fn names_that_take_a_model_to_know_are_no_error_without_one() {
    let text = "for i in 0..len([layer4.*]) { epoch i: train layer4[i] lr 1; }";
    let found = Draft::read(Source::new(text)).check().findings;
    assert!(found.diagnostics().is_empty(), "{found}");
    finds(text, &[]);
}
