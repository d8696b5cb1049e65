//! Numbers with the letters of other tools.

use freeze_dsl::policy::Policy;

use super::become_right;

#[test]
fn letters_after_a_number() {
    become_right(&[
        ("run 3k steps; start: train fc", "run 3000 steps; start: train fc"),
        ("step 1.5M: train fc", "step 1500000: train fc"),
        (
            "start: train fc lr linear 1 -> 0 over 10K steps",
            "start: train fc lr linear 1 -> 0 over 10000 steps",
        ),
        ("epoch 3s: train fc", "epoch 3: train fc"),
        ("epoch 3rd: train fc", "epoch 3: train fc"),
        ("run 9 epochs; at 50 percent: train fc", "run 9 epochs; at 50%: train fc"),
    ]);
}

#[test]
fn numbers_as_words_and_in_groups() {
    become_right(&[
        ("epoch three: train fc", "epoch 3: train fc"),
        ("every other epoch: train fc", "every 2 epochs: train fc"),
        ("every other step: train fc", "every 2 steps: train fc"),
        ("step 1,000: train fc", "step 1000: train fc"),
    ]);
}

#[test]
fn numbers_in_parts_and_in_quotes() {
    become_right(&[
        ("start: train fc lr 1 e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr \"1e-3\"", "start: train fc lr 1e-3"),
    ]);
}

/// Elsewhere, `other` is a name.
#[test]
fn other_is_no_number() {
    let findings = Policy::parse("start: train fc lr other").unwrap_err();
    let edits = findings.diagnostics().iter().flat_map(|finding| &finding.suggestions);
    assert_eq!(edits.count(), 0, "{findings}");
}
