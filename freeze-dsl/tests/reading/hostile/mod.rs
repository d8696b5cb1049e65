//! Texts that nobody wrote in good faith: each is answered with a finding, and nothing overflows.
//! How long a megabyte of each takes, and how much memory, the bench of the same name prints.

mod texts;

use freeze_dsl::Draft;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;

use texts::ALL;

/// Large enough for every finding, and small enough for a build without optimizations.
const SIZE: usize = 1 << 15;

#[test]
fn every_text_is_answered() {
    let model = Model::from_json(include_str!("../../models/resnet18.model.json")).unwrap();
    for hostile in ALL {
        let checked = Draft::read(Source::new((hostile.text)(SIZE))).check_against(&model);
        assert!(!checked.findings.to_string().is_empty());
        let found = checked.findings.diagnostics();
        let first = found.first();
        assert!(found.iter().any(|it| it.code == hostile.code), "{}: {first:?}", hostile.name);
    }
}
