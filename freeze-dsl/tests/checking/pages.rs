//! Every code's page: its wrong policy has the finding, its right one has not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use crate::support::{resnet18, said_severity};
use freeze_dsl::Draft;
use freeze_dsl::clock::{Clock, Program};
use freeze_dsl::diagnostic::{Code, Diagnostic, Severity};
use freeze_dsl::model::Model;
use freeze_dsl::simulate::{Setup, Table, simulate};
use freeze_dsl::source::Source;
use freeze_dsl::vocabulary::READY_MADE;

/// The code blocks of one kind in a page.
fn fenced(page: &str, kind: &str) -> Vec<String> {
    let opening = format!("```{kind}");
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == opening {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(content.join("\n"));
        }
    }
    found
}

/// Whether only a program can have the finding: its examples are Rust.
fn is_of_a_program(code: Code) -> bool {
    matches!(code, Code::StepsDiffer | Code::LostUpdates)
}

/// The metrics of a page, if it has some.
fn metrics(page: &str) -> Option<Table> {
    fenced(page, "csv").first().map(|csv| Table::from_csv(csv).unwrap())
}

/// All that is found in a policy, from its text to the end of a training with these metrics.
fn findings(text: &str, model: &Model, metrics: Option<Table>) -> Vec<Diagnostic> {
    let checked = Draft::read(Source::new(text.to_owned())).check_against(model);
    let mut found = checked.findings.diagnostics().to_vec();
    if let Some(plan) = checked.policy.and_then(|policy| policy.plan(model).ok()) {
        found.extend(plan.coarse_curves(None));
        if let Some(metrics) = metrics {
            let setup = Setup { epochs: Some(3), metrics, ..Setup::default() };
            found.extend(simulate(plan.clone(), setup).unwrap().diagnostics().iter().cloned());
        }
        let checked = Clock::new(plan, Program::default()).check();
        found.extend(checked.err().iter().flat_map(|err| err.diagnostics().iter().cloned()));
    }
    found
}

fn model(page: &str) -> Model {
    let own = fenced(page, "model");
    own.first().map_or_else(resnet18, |own| Model::from_json(own).unwrap())
}

#[test]
fn a_page_begins_with_its_code_and_meaning() {
    for code in Code::ALL {
        let title = format!("# {code}: {}\n\n", code.meaning());
        assert!(code.page().starts_with(&title), "{code}");
        assert_eq!(Code::of(&code.name().to_lowercase()), Some(*code));
    }
}

#[test]
fn what_is_wrong_has_the_finding_and_nothing_worse() {
    for code in Code::ALL.iter().filter(|code| !is_of_a_program(**code)) {
        let examples = fenced(code.page(), "freeze,bad");
        assert!(!examples.is_empty(), "{code}");
        for text in examples {
            let found = findings(&text, &model(code.page()), metrics(code.page()));
            let severities: Vec<_> =
                found.iter().filter(|it| it.code == *code).map(Diagnostic::severity).collect();
            assert!(severities.contains(&code.severity()), "{code}: {severities:?} in\n{text}");
            // An example shows one thing: no other error, and no warning beside it.
            let others: Vec<_> = found
                .iter()
                .filter(|found| found.code != *code && found.severity() != Severity::Note)
                .collect();
            assert!(others.is_empty(), "{code}: {others:#?}");
        }
    }
}

#[test]
fn what_is_right_has_neither_the_finding_nor_an_error() {
    for code in Code::ALL.iter().filter(|code| !is_of_a_program(**code)) {
        let examples = fenced(code.page(), "freeze,good");
        assert!(!examples.is_empty(), "{code}");
        for text in examples {
            let found = findings(&text, &model(code.page()), metrics(code.page()));
            let wrong: Vec<_> =
                found.iter().filter(|it| it.code == *code || it.is_error()).collect();
            assert!(wrong.is_empty(), "{code}: {wrong:#?}");
        }
    }
}

#[test]
fn lines_fit_a_terminal() {
    for code in Code::ALL {
        for line in code.page().lines().filter(|line| !line.starts_with('#')) {
            assert!(line.chars().count() <= 100, "{code}: {line}");
        }
    }
}

#[test]
fn the_page_of_unknown_names_has_every_ready_made_name() {
    let page = Code::UnknownName.page();
    let missing: Vec<_> =
        READY_MADE.iter().filter(|name| !page.contains(&format!("`@{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_page_says_how_serious_its_findings_are() {
    for code in Code::ALL {
        let said = said_severity(*code);
        assert!(said.starts_with(&format!("Severity: {}", code.severity())), "{code}: {said}");
    }
    // All tests look whether the page of each finding has its severity.
    let large = findings("start: train fc lr 1e3;", &resnet18(), None);
    let large = large.iter().find(|it| it.code == Code::InvalidValue).unwrap();
    assert_ne!(large.code.severity(), large.severity());
    assert!(said_severity(large.code).contains(&large.severity().to_string()));
}

/// The edits of a page's wrong policy mend it as well.
#[test]
fn an_edit_of_what_is_wrong_leaves_no_such_finding() {
    let mut tried = 0;
    for code in Code::ALL.iter().filter(|code| !is_of_a_program(**code)) {
        for text in fenced(code.page(), "freeze,bad") {
            // Every edit is tried there.
            let found = crate::support::findings_in(&text, &model(code.page()));
            tried += found.iter().map(|finding| finding.suggestions.len()).sum::<usize>();
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn what_is_wrong_has_a_right_counterpart() {
    for code in Code::ALL {
        let count = |kind: &str| code.page().matches(&format!("```{kind}\n")).count();
        let (wrong, right) = (count("freeze,bad"), count("freeze,good"));
        assert!(wrong <= right, "{code}: {wrong} wrong, {right} right");
        assert_eq!(wrong == 0, is_of_a_program(*code), "{code}");
        assert_eq!(count("rust,bad"), count("rust,good"), "{code}");
    }
}
