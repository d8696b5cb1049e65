//! The policies of the book and of README.md have no errors and no warnings, except those that a page is
//! about.
//!
//! A fence ```` ```freeze,model:bert ```` names the model against which a policy is checked;
//! ```` ```freeze,FRZ0201 ```` expects that finding.

use std::collections::BTreeSet;

use freeze_dsl::Draft;
use freeze_dsl::diagnostic::Severity;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;

use crate::page::{Block, Page, model, pages};

#[test]
fn policies_have_the_findings_that_their_page_expects() {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for page in pages().into_iter().chain([Page::read("README.md".as_ref())]) {
        for block in page.blocks().iter().filter(|block| block.is("freeze")) {
            checked += 1;
            if let Some(findings) = unexpected(block) {
                wrong.push(format!("{}:{}\n{findings}", page.name(), block.line));
            }
        }
    }
    assert!(checked > 30, "{checked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The findings of a policy, where they are not the expected ones. Notes may be there or not.
fn unexpected(block: &Block) -> Option<String> {
    let draft = Draft::read(Source::new(block.content.to_owned()));
    let findings = match block.tag("model") {
        Some(name) => draft.check_against(&Model::load(model(name)).unwrap()).findings,
        None => draft.check().findings,
    };
    let expected: BTreeSet<String> = block.codes().into_iter().map(str::to_owned).collect();
    let found = |notes: bool| -> BTreeSet<String> {
        let all = findings.diagnostics().iter();
        let counted = all.filter(|finding| notes || finding.severity() != Severity::Note);
        counted.map(|finding| finding.code.to_string()).collect()
    };
    let is_expected = found(false).is_subset(&expected) && expected.is_subset(&found(true));
    (!is_expected).then(|| format!("expected {expected:?}\n{findings}"))
}
