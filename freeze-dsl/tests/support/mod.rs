//! What tests of the language share: small models, clocks, and what is found in a policy.

#![allow(dead_code, reason = "each test uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

pub(crate) mod architectures;

use freeze_dsl::clock::{Clock, Program, Transition};
use freeze_dsl::diagnostic::{Code, Diagnostic, Severity, Suggestion};
use freeze_dsl::model::{Model, Role, Tensor};
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;
use freeze_dsl::{Checked, Draft};

pub(crate) const PROGRAM: Program =
    Program { lr: Some(1.0), optimizer: None, weight_decay: None, steps_per_epoch: None };

pub(crate) fn resnet18() -> Model {
    Model::from_json(include_str!("../models/resnet18.model.json")).unwrap()
}

/// A model of these parameters, `name` or `name[4, 2]`; a name with `running_` is a buffer, and
/// `name = other` is another name of a tensor.
pub(crate) fn model(parameters: &[&str]) -> Model {
    let tensor = |written: &&str| {
        let (written, same_as) = match written.split_once(" = ") {
            Some((name, other)) => (name, Some(other.to_owned())),
            None => (*written, None),
        };
        let (name, shape) = match written.split_once('[') {
            Some((name, shape)) => (name, shape.trim_end_matches(']')),
            None => (written, "4, 4"),
        };
        let shape = shape.split(", ").filter(|it| !it.is_empty()).map(|it| it.parse().unwrap());
        let role = if name.contains("running_") { Role::Buffer } else { Role::Parameter };
        let (name, dtype) = (name.to_owned(), "f32".to_owned());
        Tensor { name, shape: shape.collect(), dtype, role, same_as }
    };
    Model::new(parameters.iter().map(tensor).collect()).unwrap()
}

pub(crate) fn clock_of(text: &str, model: &Model, program: Program) -> Clock {
    let policy = Policy::parse(text).unwrap_or_else(|found| panic!("{found}"));
    Clock::new(policy.plan(model).unwrap_or_else(|found| panic!("{found}")), program)
}

/// A clock for a ResNet-18 and a program with a learning rate of 1.
pub(crate) fn clock(text: &str) -> Clock {
    clock_of(text, &resnet18(), PROGRAM)
}

/// What fired at a look, joined.
pub(crate) fn fired(change: &Transition) -> String {
    change.fired.iter().map(|fired| fired.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// The steps at which rules fire in a run, and which; `epoch:step rules`.
pub(crate) fn firings(clock: &mut Clock, epochs: u64, steps: u64) -> Vec<String> {
    let mut all = Vec::new();
    let mut note = |change: &Transition| {
        if !change.fired.is_empty() {
            all.push(format!("{}:{} {}", change.epoch, change.step, fired(change)));
        }
    };
    for _ in 0..epochs {
        note(&clock.start_epoch());
        for _ in 0..steps {
            note(&clock.end_step());
        }
    }
    all
}

/// The epochs at which rules fire where a metric is observed at the end of each, and which.
pub(crate) fn fired_after(clock: &mut Clock, metric: &str, values: &[f64]) -> Vec<String> {
    let mut all = Vec::new();
    for value in values {
        let change = clock.start_epoch();
        if !change.fired.is_empty() {
            all.push(format!("{} {}", change.epoch, fired(&change)));
        }
        clock.observe(metric, *value);
    }
    let change = clock.start_epoch();
    if !change.fired.is_empty() {
        all.push(format!("{} {}", change.epoch, fired(&change)));
    }
    all
}

/// The names of the trainable slices.
pub(crate) fn trainable(clock: &Clock) -> Vec<String> {
    clock.trainable().map(|slice| clock.plan().slice_name(slice)).collect()
}

/// The modules at the root that train, joined.
pub(crate) fn modules(clock: &Clock) -> String {
    let mut all: Vec<String> =
        trainable(clock).iter().map(|name| name.split('.').next().unwrap().to_owned()).collect();
    all.dedup();
    all.join(" ")
}

/// The learning rate of the first group.
pub(crate) fn lr(clock: &Clock) -> f64 {
    clock.groups()[0].lr.unwrap()
}

/// All that is found against a model. Every edit that is offered is tried.
#[track_caller]
pub(crate) fn findings_in(text: &str, model: &Model) -> Vec<Diagnostic> {
    found_by(text, |text| Draft::read(text).check_against(model))
}

/// All that is found without a model. Every edit that is offered is tried.
#[track_caller]
pub(crate) fn findings_without_model(text: &str) -> Vec<Diagnostic> {
    found_by(text, |text| Draft::read(text).check())
}

#[track_caller]
fn found_by(text: &str, check: impl Fn(Source) -> Checked) -> Vec<Diagnostic> {
    /// More edits of one text show nothing new.
    const TRIED: usize = 20;
    let check = |text: &str| check(Source::new(text.to_owned())).findings.diagnostics().to_vec();
    let found = check(text);
    for finding in &found {
        let said = said_severity(finding.code);
        assert!(said.contains(&finding.severity().to_string()), "{finding:#?}: {said}");
    }
    let edits = found.iter().flat_map(|it| it.suggestions.iter().map(move |edit| (it, edit)));
    for (finding, suggestion) in edits.take(TRIED) {
        let edited = applied(text, suggestion);
        let after = check(&edited);
        let again = |other: &&Diagnostic| {
            other.code == finding.code
                && other.message == finding.message
                && is_place(other.span.start, finding.span.start, suggestion)
        };
        let context = format!("{finding:#?}\nin\n{text}\nbecame\n{edited}\nwith {after:#?}");
        assert!(!after.iter().any(|other| again(&other)), "the same finding again: {context}");
        let syntax = |all: &[Diagnostic]| all.iter().filter(|it| is_syntax(it)).count();
        assert!(syntax(&after) <= syntax(&found), "parses less far: {context}");
    }
    found
}

/// What the page of a code says of the severity of its findings.
pub(crate) fn said_severity(code: Code) -> &'static str {
    code.page().split("\n\n").nth(1).unwrap_or_default()
}

fn is_syntax(finding: &Diagnostic) -> bool {
    matches!(finding.code, Code::Syntax | Code::UnknownWord | Code::NestedTooDeeply)
}

/// Whether a place is the one that was at `before` in the text without the edits.
fn is_place(place: usize, before: usize, suggestion: &Suggestion) -> bool {
    let earlier = suggestion.edits.iter().filter(|edit| edit.span.end <= before);
    let (gained, lost) = earlier.fold((0, 0), |(gained, lost), edit| {
        (gained + edit.text.len(), lost + edit.span.end - edit.span.start)
    });
    place + lost == before + gained
}

/// A text with the edits of a suggestion.
pub(crate) fn applied(text: &str, suggestion: &Suggestion) -> String {
    freeze_dsl::diagnostic::applied(text, &suggestion.edits)
}

/// All that is found against a ResNet-18.
pub(crate) fn findings(text: &str) -> Vec<Diagnostic> {
    findings_in(text, &resnet18())
}

/// The names of the codes found, but for notes.
#[track_caller]
pub(crate) fn codes_in(text: &str, model: &Model) -> Vec<String> {
    let found = findings_in(text, model);
    let found = found.iter().filter(|finding| finding.severity() != Severity::Note);
    found.map(|finding| finding.code.name().to_owned()).collect()
}

/// The codes found and the texts at their places, but for notes.
pub(crate) fn found_in(text: &str, model: &Model) -> Vec<(Code, String)> {
    findings_in(text, model)
        .into_iter()
        .filter(|finding| finding.severity() != Severity::Note)
        .map(|finding| (finding.code, text[finding.span.range()].to_owned()))
        .collect()
}

#[track_caller]
pub(crate) fn finds(text: &str, expected: &[(Code, &str)]) {
    finds_in(text, &resnet18(), expected);
}

#[track_caller]
pub(crate) fn finds_in(text: &str, model: &Model, expected: &[(Code, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(code, place)| (*code, (*place).to_owned())).collect();
    assert_eq!(found_in(text, model), expected, "in {text}");
}

/// Two towers and a head.
pub(crate) fn towers() -> Model {
    model(&[
        "vision.0.weight",
        "vision.1.weight",
        "vision.norm.weight[4]",
        "vision.norm.bias[4]",
        "text.0.weight",
        "text.norm.weight[4]",
        "text.norm.bias[4]",
        "head.weight",
    ])
}
