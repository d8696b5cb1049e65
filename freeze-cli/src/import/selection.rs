//! What a tool's patterns select of a model.

use std::collections::BTreeSet;

use freeze_dsl::model::{Model, ParamId};

use super::cover;
use super::pattern::Pattern;
use super::policy_text::PolicyText;

/// Selects parameters as a tool does, of a model if there is one.
pub(super) struct Selection<'m> {
    model: Option<&'m Model>,
}

/// How a tool calls the parameters of a model.
#[derive(Clone, Copy, Default)]
pub(super) struct Renaming {
    /// What the tool's names begin with, and the model's do not.
    added: &'static str,
    /// What the model's names begin with, and the tool's do not.
    removed: &'static str,
}

/// The beginnings that frameworks put before names.
const PREFIXES: [&str; 5] = ["model.", "module.", "net.", "_orig_mod.", "base_model.model."];

impl Renaming {
    /// The name that the tool has for a parameter.
    pub(super) fn of(self, name: &str) -> String {
        let rest = name.strip_prefix(self.removed).unwrap_or(name);
        format!("{}{rest}", self.added)
    }

    fn all() -> impl Iterator<Item = Self> {
        let added = PREFIXES.into_iter().map(|added| Self { added, removed: "" });
        let removed = PREFIXES.into_iter().map(|removed| Self { added: "", removed });
        std::iter::once(Self::default()).chain(added).chain(removed)
    }

    fn note(self, text: &mut PolicyText) {
        if !self.added.is_empty() {
            text.note(format!(
                "Names in the file begin with `{}`, and those of the model do not.",
                self.added
            ));
        }
        if !self.removed.is_empty() {
            text.note(format!(
                "Names of the model begin with `{}`, and those in the file do not.",
                self.removed
            ));
        }
    }
}

impl<'m> Selection<'m> {
    pub(super) const fn new(model: Option<&'m Model>) -> Self {
        Self { model }
    }

    pub(super) const fn model(&self) -> Option<&'m Model> {
        self.model
    }

    /// How a tool calls the parameters that wraps models in modules of its own: so that as many
    /// patterns as possible match one.
    pub(super) fn renaming(&self, patterns: &[&Pattern], text: &mut PolicyText) -> Renaming {
        let Some(model) = self.model else { return Renaming::default() };
        let fitting = |renaming: &Renaming| {
            let matches = |pattern: &&&Pattern| !matching(model, pattern, *renaming).is_empty();
            patterns.iter().filter(matches).count()
        };
        let mut best = (0, Renaming::default());
        for renaming in Renaming::all() {
            let count = fitting(&renaming);
            if count > best.0 {
                best = (count, renaming);
            }
            if count == patterns.len() {
                break;
            }
        }
        best.1.note(text);
        best.1
    }

    /// Notes running statistics that follow the data, which no tool holds.
    pub(super) fn live_statistics(&self, tool: &str, text: &mut PolicyText) {
        if self.model.is_some_and(|model| !model.normalisations().is_empty()) {
            text.note(format!(
                "Running statistics of frozen modules follow the data, as in {tool}. Without \
                 `default stats live` they are held."
            ));
            text.statement("default stats live");
        }
    }
}

/// The parameters that a pattern matches by one of their names.
pub(super) fn matching(model: &Model, pattern: &Pattern, renaming: Renaming) -> BTreeSet<ParamId> {
    let is_match = |name: &str| pattern.matches(&renaming.of(name));
    cover::ids(model)
        .filter(|(_, parameter)| parameter.names().any(is_match))
        .map(|(id, _)| id)
        .collect()
}
