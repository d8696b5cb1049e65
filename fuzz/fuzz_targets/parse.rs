//! Any bytes are parsed and checked with and without a model. The findings can be rendered, and
//! their spans are within the text.

#![no_main]

use std::sync::LazyLock;

use freeze_dsl::Draft;
use freeze_dsl::diagnostic::Findings;
use freeze_dsl::model::Model;
use freeze_dsl::source::{Source, Span};
use libfuzzer_sys::fuzz_target;

static RESNET18: LazyLock<Model> = LazyLock::new(|| {
    Model::from_json(include_str!("../../freeze-dsl/tests/models/resnet18.model.json"))
        .expect("it is a model")
});

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let draft = Draft::read(Source::new(text.clone()));
    hold(&draft.clone().check().findings, &text);
    hold(&draft.check_against(&RESNET18).findings, &text);
});

fn hold(findings: &Findings, text: &str) {
    for finding in findings.diagnostics() {
        let is_place = |span: Span| text.get(span.range()).is_some();
        assert!(is_place(finding.span), "{finding:?}");
        for label in &finding.secondary {
            assert!(is_place(label.span), "{finding:?}");
        }
        for edit in finding.suggestions.iter().flat_map(|suggestion| &suggestion.edits) {
            assert!(is_place(edit.span), "{finding:?}");
        }
    }
    assert_eq!(findings.to_string().is_empty(), findings.diagnostics().is_empty());
}
