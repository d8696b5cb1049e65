//! What people write who come from Python, YAML or `PyTorch`, and what it becomes with the edits that
//! are offered.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

mod actions;
mod comparisons;
mod curves;
mod fillers;
mod half_written;
mod loops;
mod moments;
mod numbers;
mod options;
mod paths;
mod selectors;
mod signs;
mod statements;
mod sure;
mod triggers;

use crate::support::{applied, findings_without_model};
use freeze_dsl::diagnostic::{Diagnostic, Severity};

#[track_caller]
fn errors(text: &str) -> Vec<Diagnostic> {
    findings_without_model(text).into_iter().filter(Diagnostic::is_error).collect()
}

/// The text after the first edit that is offered, and again, until there is no error or no edit.
fn mended(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..8 {
        let errors = errors(&text);
        let Some(edit) = errors.iter().find_map(|error| error.suggestions.first()) else { break };
        text = applied(&text, edit);
    }
    text
}

/// Each text becomes the other one, which has no error.
#[track_caller]
fn become_right(slips: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (slip, right) in slips {
        assert!(errors(right).is_empty(), "{right}\n{:#?}", errors(right));
        let first = errors(slip);
        if first.is_empty() {
            wrong.push(format!("{slip}\n    is no error"));
            continue;
        }
        let edited = mended(slip);
        if edited != *right {
            let messages: Vec<_> = first
                .iter()
                .map(|it| format!("{}: {} [{}]", it.code, it.message, it.label))
                .collect();
            wrong.push(format!(
                "{slip}\n    became {edited}\n    not    {right}\n    {}",
                messages.join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), slips.len(), wrong.join("\n"));
}

/// Each text has one error, without an edit, and a note that contains both choices.
#[track_caller]
fn leave_a_choice(slips: &[(&str, &str, &str)]) {
    for (slip, one, other) in slips {
        let errors = errors(slip);
        let [error] = &errors[..] else { panic!("{slip}: {errors:#?}") };
        assert!(error.suggestions.is_empty(), "{slip}: {error:#?}");
        let notes = error.notes.join("\n");
        assert!(notes.contains(one) && notes.contains(other), "{slip}: {error:#?}");
    }
}

#[test]
fn a_slip_is_reported_once() {
    for slip in [
        "let outlet = 1 2; start: train fc lr outlet",
        "let head = fc; start: train head lr 1e-3",
        "lets base = 1e-3; start: train fc lr base",
        "lett @head = fc; start: train @head",
        "base = 1e-3; start: train fc lr base",
        "start: train fc; at 150%: unfreeze layer4",
        "run = 20 epochs; at 50%: train fc",
        "runs 20 epochs; at 50%: train fc lr linear 1 -> 0 over rest",
        "let b = 1e-3 start: train fc lr b",
        r#"let @a = "fc\q"; start: train @a"#,
        "start: stop; epoch 3: train fc",
        "for layer in [fc, bn1] { after 1 epoch: unfreeze layer lr 1e-3 }",
        "start: train fc lr 1e-3 for 3 epochs then 1e-4",
        "start: train “fc” lr 1e-3",
    ] {
        let found: Vec<_> = findings_without_model(slip)
            .into_iter()
            .filter(|it| it.severity() != Severity::Note)
            .collect();
        assert_eq!(found.len(), 1, "{slip}: {found:#?}");
    }
}

/// Slips without an edit and without a note, each with the reason.
const UNANSWERED: [(&str, &str); 9] = [
    (
        "start: train [fc, bn1] lr [1e-3, 1e-4]",
        "a learning rate for each element: a loop over two lists",
    ),
    ("start: train fc; every 2 epochs: unfreeze next layer", "which layers, and in which order"),
    ("after 5 epochs of no improvement: stop", "of which metric, and in which direction"),
    ("start: train fc; at end: stop", "training ends by itself"),
    ("start:\n  - train fc\n  - stop", "a list of YAML has more than one sign for each action"),
    ("start: train fc lr 1e-3 if epoch < 5 else 1e-4", "a rule of its own, or a curve"),
    ("start: train fc lr 1e-3, everything else lr 1e-4", "what else trains"),
    ("epoch 3 and epoch 5: unfreeze fc lr 1", "a rule fires once: which of the two"),
    ("start: train fc lr auto", "which learning rate"),
];

#[test]
fn what_is_not_answered_has_a_reason() {
    for (slip, reason) in UNANSWERED {
        let errors = errors(slip);
        assert!(!errors.is_empty() && !reason.is_empty(), "{slip}");
        assert!(errors.iter().all(|error| error.suggestions.is_empty()), "{slip}: {errors:#?}");
    }
}
