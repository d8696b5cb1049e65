//! How findings look to a person.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::resnet18;
use freeze_dsl::diagnostic::{Findings, Style, render};
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;
use freeze_dsl::{Draft, parse};
use freeze_generator::any_text;
use proptest::prelude::*;

fn findings(text: &str) -> Findings {
    Draft::read(Source::named("resnet.freeze", text.to_owned())).check_against(&resnet18()).findings
}

#[test]
fn every_kind_of_mistake() {
    insta::assert_snapshot!(findings(
        "run 20 epochs;
start as probe: train fc lr 1e-3;
epoch 3: unfreeze layer5 lr 1e-4;
epoch 4: unfreze layer3;
epoch 5: unfreeze layer2.0.conv lrr 3;
epoch 6: unfreeze layer2.0.downsampl lr -1 optimizer sdg(momentum 2);
epoch 2 as probe: freeze layer3 weight_decay 1;
after 0 epochs: train layer4 except fc, layer3 in layer2
epoch 7: train @bias;
epoch 8 train fc;
epoch 30: unfreeze bn1.running_mean;
"
    ));
}

#[test]
fn what_rules_do_wrong() {
    insta::assert_snapshot!(findings(
        "start: train layer4 lr 1e-3, train layer4.1 lr 1e-4;
epoch 1: unfreeze layer3, freeze layer3;
epoch 2: unfreeze layer4 lr 0;
epoch 3: freeze @all;
epoch 4: stop, train fc;
epoch 5: train fc;
"
    ));
}

#[test]
fn a_plan_is_a_table() {
    let policy = Policy::parse(
        "start as probe: train fc lr 1e-3;
         epoch 3 or step 500: unfreeze layer4 lr 1e-4;
         after 2 epochs: train @all except @biases",
    );
    insta::assert_snapshot!(policy.unwrap().plan(&resnet18()).unwrap());
}

#[test]
fn lines_of_an_embedded_text_are_those_of_its_file() {
    let source = Source::embedded("src/main.rs", "        start: tran fc", 41);
    let checked = Draft::read(source).check();
    let finding = &checked.findings.diagnostics()[0];
    assert_eq!(checked.findings.source().line_column(finding.span.start), (41, 16));
    let drawn = render(finding, checked.findings.source(), Style::Plain);
    assert!(drawn.contains("--> src/main.rs:41:16"), "{drawn}");
}

proptest! {
    #[test]
    fn no_text_makes_the_checker_or_the_renderer_panic(text in any_text()) {
        let found = findings(&text);
        prop_assert!(found.diagnostics().iter().all(|f| f.span.start <= f.span.end));
        for suggestion in found.diagnostics().iter().flat_map(|found| &found.suggestions) {
            let mut end = 0;
            for edit in &suggestion.edits {
                prop_assert!(edit.span.start >= end && text.get(edit.span.range()).is_some());
                end = edit.span.end;
            }
        }
        let _drawn = found.to_string();
    }

    #[test]
    fn what_is_clean_stays_clean_with_other_spaces(gap in "[ \n\t]{1,3}|/\\*x\\*/| // c\n") {
        let words = "run 9 epochs ; start as a : train fc , layer4 . 0 except @ biases lr 1e-3 \
                     optimizer sgd ( momentum 0.9 ) ; after 2 epochs : stop";
        let spaced = words.split(' ').collect::<Vec<_>>().join(&gap);
        prop_assert_eq!(parse::parse(&spaced).1, vec![]);
        prop_assert_eq!(Policy::parse(&spaced).unwrap(), Policy::parse(words).unwrap());
    }
}
