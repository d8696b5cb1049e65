//! Comments that allow findings.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{findings, findings_without_model, resnet18};
use freeze_dsl::Draft;
use freeze_dsl::diagnostic::{Code, Diagnostic};
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Setup, simulate};
use freeze_dsl::source::Source;

/// The codes that are found against a ResNet-18, notes included.
fn codes(text: &str) -> Vec<Code> {
    findings(text).iter().map(|finding| finding.code).collect()
}

const ZERO: Code = Code::ZeroLearningRate;
const USELESS: Code = Code::UselessAllow;

#[test]
fn a_comment_counts_for_the_statement_below_it() {
    let text = "start: train @all lr 1;\n// freeze: allow FRZ0505\nepoch 3: set fc lr 0;\n";
    assert_eq!(codes(text), []);
    // Not for the statement after that one, and not for the one before.
    assert_eq!(codes(&format!("{text}epoch 4: set fc lr 1;\nepoch 5: set fc lr 0;")), [ZERO]);
    assert_eq!(codes(&text.replace("lr 1", "lr 0")), [ZERO]);
    // A comment within a rule counts for the rule.
    let within =
        "start: train @all lr 1;\nepoch 3:\n    // freeze: allow FRZ0505\n    set fc lr 0;";
    assert_eq!(codes(within), []);
}

#[test]
fn a_comment_after_a_statement_counts_for_it() {
    let text = "start: train @all lr 0; // freeze: allow FRZ0505\nepoch 3: set fc lr 0;";
    assert_eq!(codes(text), [ZERO]);
    assert_eq!(codes("start: train @all lr 0; /* freeze: allow FRZ0505 */"), []);
}

#[test]
fn a_comment_before_the_first_statement_counts_for_all() {
    let rules = "start: train fc lr 0;\nepoch 3: set fc lr 0;";
    for before in ["", "\u{FEFF}", "// A policy.\n", "/* freeze: allow FRZ0502 */ "] {
        let text = format!("{before}// freeze: allow FRZ0505, FRZ0502: both\n{rules}");
        assert!(!codes(&text).contains(&ZERO), "{text}");
    }
}

#[test]
fn a_comment_above_a_block_counts_for_what_is_in_it() {
    let block = "start: train fc lr 1;\n// freeze: allow FRZ0505\nfor @a in [layer3, layer4] {\n    \
                 after 1 epoch: unfreeze @a lr 0;\n}\n";
    let found = |text: &str| codes(text).iter().filter(|code| **code == ZERO).count();
    assert_eq!(found(block), 0);
    let within = block
        .replace("// freeze: allow FRZ0505\n", "")
        .replace("{\n", "{\n    // freeze: allow FRZ0505\n");
    assert_eq!(found(&within), 0);
    // What lies in blocks of a block counts as well, up to its own end.
    let track = format!("// first\nrun 9 epochs;\n// freeze: allow FRZ0505\ntrack {{\n{block}}}\n");
    let track = track.replace("start: train fc lr 1;\n// freeze: allow FRZ0505\n", "");
    let track = track.replace("after 1 epoch: unfreeze", "after 1 epoch: set");
    assert_eq!(found(&track), 0, "{track}");
    assert_eq!(found(&format!("{track}start: train fc lr 0;")), 1, "{track}");
    // The last comment of a block is above nothing.
    let last = block
        .replace("// freeze: allow FRZ0505\n", "")
        .replace("lr 0;\n", "lr 0;\n    // freeze: allow FRZ0505\n");
    assert!(codes(&last).contains(&ZERO) && codes(&last).contains(&USELESS), "{last}");
}

#[test]
fn errors_are_not_allowed() {
    let text = "// freeze: allow FRZ0201\nstart: train layer5 lr 1;";
    assert_eq!(codes(text), [USELESS, Code::SelectsNothing]);
    let text = "// freeze: allow FRZ0401\nstart: train @all lr 11;";
    assert_eq!(codes(text), [], "a learning rate above 10 is a warning");
    let text = "// freeze: allow FRZ0401\nstart: train @all lr -1;";
    assert_eq!(codes(text), [Code::InvalidValue]);
}

/// The message of the only finding, the text at its place, and what its first edit makes of the text.
#[track_caller]
fn only(text: &str) -> (String, String, Option<String>) {
    let found = findings(text);
    let [Diagnostic { code: Code::UselessAllow, message, span, suggestions, .. }] = &found[..]
    else {
        panic!("{found:#?}")
    };
    let edited = suggestions.first().map(|edit| crate::support::applied(text, edit));
    (message.clone(), text[span.range()].to_owned(), edited)
}

#[test]
fn a_comment_that_allows_nothing_is_found() {
    let rest = "start: train @all lr 1;";
    let edited = |text: &str| Some(format!("{text}{rest}"));
    for (comment, message, place, after) in [
        (
            "// freeze: allow FRZ0505\n",
            "there is no `FRZ0505` in this policy",
            "FRZ0505",
            edited(""),
        ),
        (
            "// freeze: allow FRZ505\n",
            "there is no finding `FRZ505`",
            "FRZ505",
            edited("// freeze: allow FRZ0505\n"),
        ),
        ("// freeze: allow warnings\n", "there is no finding `warnings`", "warnings", None),
        ("// freeze: allow\n", "this comment allows no finding", "allow", None),
        (
            "// freeze: ignore FRZ0505\n",
            "a comment cannot `ignore` findings, only `allow` them",
            "ignore",
            edited("// freeze: allow FRZ0505\n"),
        ),
        (
            "// freeze: deny FRZ0505\n",
            "a comment cannot `deny` findings, only `allow` them",
            "deny",
            None,
        ),
        (
            "// freeze: allow FRZ0101\n",
            "`FRZ0101` is an error, and errors cannot be allowed",
            "FRZ0101",
            edited(""),
        ),
    ] {
        let expected = (message.to_owned(), place.to_owned(), after);
        assert_eq!(only(&format!("{comment}{rest}")), expected, "{comment}");
    }
    // Of several codes, one goes, with its comma.
    let used = "start: train @all lr 1; epoch 1: set fc lr 0; ";
    for codes in ["FRZ0505, FRZ0501", "FRZ0501, FRZ0505"] {
        let (_, place, after) = only(&format!("{used}// freeze: allow {codes}: why"));
        let expected = format!("{used}// freeze: allow FRZ0505: why");
        assert_eq!((place.as_str(), after), ("FRZ0501", Some(expected)));
    }
    // A comment at the end of a line goes without the line.
    let (message, _, after) = only("start: train @all lr 1; // freeze: allow FRZ0505\n");
    assert_eq!(message, "there is no `FRZ0505` in the statement of this comment");
    assert_eq!(after.as_deref(), Some("start: train @all lr 1;\n"));
}

#[test]
fn a_comment_is_not_called_useless_before_that_is_known() {
    let text = "// freeze: allow FRZ0502\nstart: train fc lr 1;";
    assert_eq!(findings_without_model(text), []);
    // What an error hides may be there.
    let text = "// freeze: allow FRZ0505\nstart: train layer5 lr 1;";
    assert_eq!(codes(text), [Code::SelectsNothing]);
    // What a program or another model finds.
    for code in ["FRZ0508", "FRZ0509", "FRZ0510", "FRZ0511", "FRZ0512"] {
        assert_eq!(codes(&format!("// freeze: allow {code}\nstart: train @all lr 1;")), []);
    }
    // A comment may allow itself.
    assert_eq!(codes("// freeze: allow FRZ0505, FRZ0512\nstart: train @all lr 1;"), []);
}

#[test]
fn other_comments_are_left_alone() {
    for comment in [
        "// freeze: the head first",
        "// see `freeze: allow FRZ0505`",
        "/* // freeze: allow FRZ0501\n start: stop; */",
    ] {
        assert_eq!(codes(&format!("{comment}\nstart: train @all lr 0;")), [ZERO], "{comment}");
    }
    let in_string =
        "start: train @all lr 0; when \"// freeze: allow FRZ0505\" > 1 or epoch 9: stop";
    assert_eq!(codes(in_string), [ZERO]);
}

#[test]
fn plans_and_simulations_heed_comments() {
    let rule = "when los < 1: train @all lr linear 0 -> 1 over 3 epochs";
    let found = |text: &str| {
        let policy = Policy::parse(text).unwrap();
        let plan = policy.plan(&resnet18()).unwrap();
        let mut found = plan.coarse_curves(None);
        let setup = Setup { epochs: Some(3), ..Setup::default() };
        found.extend(simulate(plan, setup).unwrap().diagnostics().iter().cloned());
        found.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    let all = found(rule);
    assert!(all.contains(&Code::CoarseCurve) && all.contains(&Code::UnobservedMetric), "{all:?}");
    assert_eq!(found(&format!("// freeze: allow FRZ0507, FRZ0508\n{rule}")), []);
    let plan = Policy::parse("start: train fc lr 0 // freeze: allow FRZ0505").unwrap();
    assert!(!plan.plan(&resnet18()).unwrap().diagnostics().iter().any(|it| it.code == ZERO));
}

#[test]
fn windows_line_ends_are_no_part_of_a_code() {
    let text = "start: train @all lr 1;\r\n// freeze: allow FRZ0505\r\nepoch 3: set fc lr 0;\r\n";
    let checked = Draft::read(Source::new(text)).check_against(&resnet18());
    assert!(checked.findings.diagnostics().is_empty(), "{}", checked.findings);
}

#[test]
fn a_comment_that_no_statement_follows_is_useless_whatever_is_known() {
    for end in ["", "\n", " */"] {
        let comment = if end == " */" { "/*" } else { "//" };
        let text = format!("start: train fc lr 1;\n{comment} freeze: allow FRZ0502{end}");
        // Whether there is such a finding depends on the model, and never lies there.
        for found in [findings_without_model(&text), findings(&text)] {
            let useless: Vec<_> = found.iter().filter(|it| it.code == USELESS).collect();
            let [useless] = useless[..] else { panic!("{text}: {found:#?}") };
            assert_eq!(
                useless.message,
                "there is no `FRZ0502` below this comment, since no statement follows"
            );
            let left = crate::support::applied(&text, &useless.suggestions[0]);
            assert_eq!(left.trim_end(), "start: train fc lr 1;");
        }
    }
    // At the end of a block, and what only a program finds.
    let block = "start: train fc lr 1;\ntrack a {\n    epoch 1: reset fc;\n    \
                 // freeze: allow FRZ0509\n}\n";
    let found = findings_without_model(block);
    assert!(found.iter().any(|it| it.code == USELESS), "{found:#?}");
    // A statement that does not parse may be the one.
    let broken = "start: train fc lr 1;\n// freeze: allow FRZ0502\nepoch 3: unfreze fc";
    assert!(findings_without_model(broken).iter().all(|it| it.code != USELESS));
}
