//! Bounds, rows, optional selectors, percentages and raw strings.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{PROGRAM, clock_of, findings_in, finds_in, model};
use freeze_dsl::Draft;
use freeze_dsl::diagnostic::{Code, Diagnostic, Severity};
use freeze_dsl::format::format;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;

/// Two towers of different depth, and an embedding.
fn towers() -> Model {
    let layers = (0..12).map(|layer| format!("a.layer.{layer}.weight"));
    let others = (0..4).map(|layer| format!("b.layer.{layer}.weight"));
    let names: Vec<String> = layers
        .chain(others)
        .chain(["e.weight[20, 4]".to_owned(), "head.bias[4]".to_owned()])
        .collect();
    model(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The layers that a selector selects in the first tower, or the names in other modules.
fn selected(targets: &str) -> String {
    let mut clock = clock_of(&format!("start: train {targets}"), &towers(), PROGRAM);
    clock.start_epoch();
    let shorter = |name: String| {
        let name = name.strip_suffix(".weight").unwrap_or(&name).replace("a.layer.", "");
        name.replace("b.layer.", "b")
    };
    clock.plan().names(clock.trainable()).into_iter().map(shorter).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn finds(targets: &str, expected: &[(Code, &str)]) {
    finds_in(&format!("start: train {targets}"), &towers(), expected);
}

#[test]
fn open_and_negative_bounds_count_from_the_largest_index() {
    assert_eq!(selected("a.layer[9..]"), "9 10 11");
    assert_eq!(selected("a.layer[..3]"), "0 1 2");
    assert_eq!(selected("a.layer[..=3]"), "0 1 2 3");
    assert_eq!(selected("a.layer[-1]"), "11");
    assert_eq!(selected("a.layer[-3..-1]"), "9 10");
    assert_eq!(selected("a.layer[-3..=-2]"), "9 10");
    assert_eq!(selected("a.layer[10..=-1]"), "10 11");
    assert_eq!(selected("a.layer[..]"), "0 1 2 3 4 5 6 7 8 9 10 11");
    // Ends that count from the largest index need not exist.
    assert_eq!(selected("b.layer[-9..2]"), "b0 b1");
    // From the largest under each module.
    assert_eq!(selected("*.layer[-2..]"), "10 11 b2 b3");
    assert_eq!(selected("*.layer[-(1 + 1)]"), "10 b2");
}

#[test]
fn indices_that_select_nothing_are_errors() {
    finds("a.layer[-13]", &[(Code::OutOfRange, "[-13]")]);
    finds("a.layer[12..]", &[(Code::OutOfRange, "[12..]")]);
    finds("a.layer[0..13]", &[(Code::OutOfRange, "[0..13]")]);
    finds("a.layer[-2..13]", &[(Code::OutOfRange, "[-2..13]")]);
    // The second tower has four layers.
    finds("*.layer[6..]", &[(Code::OutOfRange, "[6..]")]);
    finds("*.layer[-6]", &[(Code::OutOfRange, "[-6]")]);
    finds("a.layer[-1..-1]", &[(Code::SelectsNothing, "[-1..-1]")]);
    // Only a bound that is written with a sign and without names counts from the end.
    let text = "for i in 0..2 { start: train a.layer[-i - 1]; }";
    assert_eq!(findings_in(text, &towers())[0].code, Code::InvalidDuration);
    assert_eq!(
        findings_in("start: train a.layer[1 - 2]", &towers())[0].code,
        Code::InvalidDuration
    );
}

#[test]
fn rows_of_several_spans_are_merged() {
    assert_eq!(selected("rows 3 of e.weight"), "e.weight[3..4]");
    assert_eq!(selected("rows 18.. of e.weight"), "e.weight[18..20]");
    assert_eq!(selected("rows ..=1 of e.weight"), "e.weight[0..2]");
    assert_eq!(selected("rows -2.. of e.weight"), "e.weight[18..20]");
    assert_eq!(
        selected("rows [5, 0..3, 2..=4, -1, 17,] of e.weight"),
        "e.weight[0..6] e.weight[17..18] e.weight[19..20]"
    );
    assert_eq!(selected("rows [0..10, 10..] of e.weight"), "e");
    assert_eq!(selected("e except rows [2, 4..] of e.weight"), "e.weight[0..2] e.weight[3..4]");
    assert_eq!(
        selected("rows [0..4, 8] of e.weight in rows [2..9] of e.weight"),
        "e.weight[2..4] e.weight[8..9]"
    );
    finds("rows [5, 17..21] of e.weight", &[(Code::RowsOutside, "17..21")]);
    finds("rows -21.. of e.weight", &[(Code::RowsOutside, "rows -21.. of e.weight")]);
    finds("rows 20.. of e.weight", &[(Code::RowsOutside, "rows 20.. of e.weight")]);
    finds(
        "rows 0..20 of e.weight, rows 20 of e.weight",
        &[(Code::RowsOutside, "rows 20 of e.weight")],
    );
}

#[test]
fn an_optional_selector_may_select_nothing() {
    assert_eq!(selected("head, @norms?"), "head.bias");
    assert_eq!(selected("head, @biases in decoder?"), "head.bias");
    assert_eq!(selected("head, a.layer[30]?, a.layer[9..40]?"), "9 10 11 head.bias");
    assert_eq!(selected("head, (missing, ~\"no.*\", e)?"), "e head.bias");
    assert_eq!(selected("head, rows 0..2 of missing.weight?"), "head.bias");
    assert_eq!(selected("head except @norms?"), "head.bias");
    finds("head, missing", &[(Code::SelectsNothing, "missing")]);
    finds("(head, missing?), other", &[(Code::SelectsNothing, "other")]);
    // A `?` forgives an empty selection, and nothing else.
    finds("~\"(\"?, head", &[(Code::InvalidRegex, "\"(\"")]);
    finds("rows 0..99 of e.weight?", &[(Code::RowsOutside, "rows 0..99 of e.weight")]);
    // The same regular expression without a `?` is an error.
    finds("head, ~\"no.*\"?, ~\"no.*\"", &[(Code::SelectsNothing, "~\"no.*\"")]);
}

#[test]
fn an_action_whose_targets_are_all_absent_is_noted() {
    let found = findings_in("start: train head lr 1, set @norms? weight_decay 0", &towers());
    let notes: Vec<_> = found.iter().filter(|it| it.code == Code::AbsentTargets).collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].severity(), Severity::Note);
    assert!(!found.iter().any(Diagnostic::is_error), "{found:?}");
    // `train` still freezes everything else.
    let found = findings_in("start: train @norms?", &towers());
    let errors: Vec<Code> = found.iter().filter(|it| it.is_error()).map(|it| it.code).collect();
    assert_eq!(errors, [Code::NothingTrains]);
    // What is known only when the rule fires may be nothing, too.
    let text = "start: train head lr 1; epoch 1: train @all; epoch 2: set @frozen? lr 1";
    assert!(!findings_in(text, &towers()).iter().any(Diagnostic::is_error));
}

#[test]
fn an_absent_element_is_none() {
    let text = "let @none = missing?; let @stages = [a?, missing?, missing.*?, @none, b]; \
                for i, @stage in @stages { epoch i: unfreeze @stage lr len(@stages); }";
    let plan = freeze_dsl::policy::Policy::parse(text).unwrap().plan(&towers()).unwrap();
    assert_eq!(plan.rows().len(), 2);
    assert_eq!(selected("first 1 of [missing?, b]"), "b0 b1 b2 b3");
    assert_eq!(selected("head, [missing?, gone?]"), "head.bias");
    finds("first 2 of [missing?, b]", &[(Code::OutOfRange, "2")]);
    finds("first 50% of [missing?, gone?]", &[(Code::OutOfRange, "50")]);
    finds("sample 2 of [a, missing]", &[(Code::SelectsNothing, "missing")]);
}

#[test]
fn without_a_model_nothing_is_said_about_optional_elements() {
    for text in [
        "let @none = missing?; start: train first 2 of [@none, fc]",
        "start: train first 3 of [a?, b]",
        "start: train last 30% of [a.*]",
    ] {
        let findings = Draft::read(Source::new(text)).check().findings;
        assert!(findings.diagnostics().iter().all(|it| !it.is_error()), "{findings}");
    }
}

#[test]
fn percentages_of_a_list_are_rounded_to_the_nearest_element() {
    assert_eq!(selected("first 25% of [a.layer.*]"), "0 1 2");
    assert_eq!(selected("last 12.5% of [a.layer.*]"), "10 11");
    assert_eq!(selected("last 0.1% of [a.layer.*]"), "11");
    assert_eq!(selected("first 100% of [b.layer.*]"), "b0 b1 b2 b3");
    assert_eq!(selected("sample 50% of [b.layer.*] seed 1").split(' ').count(), 2);
    for percentage in ["0", "-5", "100.5"] {
        finds(&format!("first {percentage}% of [a.layer.*]"), &[(Code::OutOfRange, percentage)]);
    }
}

#[test]
fn raw_strings_are_those_of_rust() {
    assert_eq!(selected(r#"~r"a\.layer\.1\d\..*""#), "10 11");
    assert_eq!(selected(r##"~r#"e\.w("|eight)"#"##), "e");
    assert_eq!(selected(r#"r"head.bias", r.x?"#), "head.bias");
    // A raw string has no comments, escapes or statements in it.
    let text = r###"start: train ~r##"//;"#\.*"##, e;"###;
    let found = findings_in(text, &towers());
    assert_eq!(
        (found[0].code, &text[found[0].span.range()]),
        (Code::SelectsNothing, r###"~r##"//;"#\.*"##"###)
    );
    let text = "start: train r#\"e\"; start: stop";
    let found = findings_in(text, &towers());
    assert_eq!(found[0].label, "expected another `\"#` after this");
    // Each segment has its own place.
    let text = r##"start: train r#"a.layer.12"#"##;
    assert_eq!(&text[findings_in(text, &towers())[0].span.range()], "12");
}

#[test]
fn they_are_printed_as_they_are_written() {
    for text in [
        "start: train a.layer[-1], b.layer[..3].weight, b.layer[2..] lr 1;\n",
        "start: train rows [5, 17, -3..] of e.weight, rows ..5 of e.weight, rows 7.. of e.weight;\n",
        "start: train @norms?, (a, b)?, @biases in head?, first 30% of [a.*?, b?];\n",
        "start: train ~r#\"a  \"b\"#, sample 5% of [r\"a  b\"] seed 1;\n",
        "let a = floor(3 / 2) + ceil(1.5) - round(0.5);\n",
    ] {
        assert_eq!(format(Source::new(text)).unwrap(), text);
    }
}

#[test]
fn numbers_are_rounded() {
    assert_eq!(selected("a.layer[floor(7 / 2)..=round(3.5)]"), "3 4");
    assert_eq!(selected("a.layer[ceil(3.2)]"), "4");
}
