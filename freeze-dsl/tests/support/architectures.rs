//! Names and shapes of real architectures, and which of their parameters belong to normalisations.

#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::io::Read;

use freeze_dsl::Draft;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;
use serde::Deserialize;

/// A real architecture.
pub(crate) struct Architecture {
    pub(crate) name: String,
    pub(crate) model: Model,
    /// The parameters of its normalisations, sorted.
    pub(crate) norms: Vec<String>,
    /// Its modules with running statistics, sorted.
    pub(crate) stats: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    model: String,
    tensors: serde_json::Value,
    norms: Vec<String>,
    stats: Vec<String>,
}

pub(crate) fn architectures() -> Vec<Architecture> {
    let packed = include_bytes!("../models/architectures.jsonl.gz").as_slice();
    let mut lines = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut lines).unwrap();
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let architecture = |line: &str| {
        let Line { model, tensors, norms, stats } = serde_json::from_str(line).unwrap();
        let description = serde_json::json!({ "format": 1, "tensors": tensors });
        Architecture {
            name: model,
            model: Model::from_json(&description.to_string()).unwrap(),
            norms: sorted(norms),
            stats: sorted(stats),
        }
    };
    lines.lines().map(architecture).collect()
}

impl Architecture {
    pub(crate) fn of(name: &str) -> Self {
        let mut all = architectures().into_iter();
        all.find(|architecture| architecture.name == name).unwrap()
    }

    /// The parameters that a selector selects, sorted; none if it selects nothing.
    pub(crate) fn selects(&self, selector: &str) -> Vec<String> {
        let draft = Draft::read(Source::new(format!("start: train {selector} lr 1")));
        let Some(policy) = draft.check_against(&self.model).policy else { return Vec::new() };
        let plan = policy.plan(&self.model).unwrap();
        let frozen: Vec<usize> = plan.effects()[0]
            .iter()
            .filter(|effect| !effect.trains)
            .map(|effect| effect.slice.index())
            .collect();
        let parameters = self.model.parameters().iter().enumerate();
        let mut names: Vec<String> = parameters
            .filter(|(index, _)| frozen.binary_search(index).is_err())
            .flat_map(|(_, parameter)| parameter.names().map(str::to_owned))
            .collect();
        names.sort_unstable();
        names
    }

    /// The parameters of normalisations that `@norms` misses, and those that it adds.
    pub(crate) fn norms_missed_and_added(&self) -> (Vec<String>, Vec<String>) {
        let selected = self.selects("@norms");
        let without = |all: &[String], others: &[String]| {
            let is_left = |name: &&String| others.binary_search(name).is_err();
            all.iter().filter(is_left).cloned().collect()
        };
        (without(&self.norms, &selected), without(&selected, &self.norms))
    }
}
