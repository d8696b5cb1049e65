//! A policy that is read and not checked yet.

use std::sync::Arc;

use super::{OverrideError, check_all};
use crate::allow::{self, Knowledge};
use crate::ast::{Item, List, Text, Tree};
use crate::diagnostic::{Diagnostic, DiagnosticSink, Findings, nearest};
use crate::ir::Overrides;
use crate::lower::{Recording, record};
use crate::model::Model;
use crate::parse;
use crate::plan::{BoundPolicy, Plan, Row};
use crate::policy::Policy;
use crate::select::NameIndex;
use crate::source::{Source, Span, Spanned};

/// A policy that is read and not checked yet: whatever could be read of its text.
///
/// ```
/// use freeze_dsl::Draft;
/// use freeze_dsl::source::Source;
///
/// let draft = Draft::read(Source::new("let base = 1e-3; start: train fc lr bas"));
/// let checked = draft.with("base", 1e-2)?.check();
/// assert!(checked.policy.is_none());
/// assert_eq!(checked.findings.diagnostics().len(), 1);
/// # Ok::<(), freeze_dsl::OverrideError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Draft {
    source: Source,
    tree: Tree,
    overrides: Overrides,
    /// The findings of the parser.
    syntax: Vec<Diagnostic>,
}

/// The result of checking a [`Draft`].
#[derive(Debug, Clone)]
pub struct Checked {
    /// The policy, if no finding is an error.
    pub policy: Option<Policy>,
    /// All findings, including warnings and notes.
    pub findings: Findings,
}

/// What is known after a check of a [`Draft`].
#[derive(Debug)]
pub(crate) struct CheckedDraft {
    pub(crate) findings: Findings,
    /// The policy bound to the model with its rows, if there is a model and nothing is wrong.
    pub(crate) bound: Option<(BoundPolicy, Vec<Row>)>,
    /// Whether no finding is an error.
    is_sound: bool,
}

impl Draft {
    /// Reads a text.
    #[must_use]
    pub fn read(source: Source) -> Self {
        Self::parse(source, Overrides::NONE)
    }

    /// Reads the text of `freeze_policy!`, whose Rust expressions are evaluated later.
    #[doc(hidden)]
    #[must_use]
    pub fn read_macro(source: Source) -> Self {
        Self::parse(source, Overrides::of_rust(List::default()))
    }

    pub(super) fn parse(source: Source, overrides: Overrides) -> Self {
        let (tree, syntax) = parse::parse(source.text());
        Self { source, tree, overrides, syntax }
    }

    /// A draft from a tree without syntax errors.
    pub(super) const fn of(source: Source, tree: Tree, overrides: Overrides) -> Self {
        Self { source, tree, overrides, syntax: Vec::new() }
    }

    /// A draft from a text that was parsed.
    pub(crate) const fn parsed(source: Source, tree: Tree, syntax: Vec<Diagnostic>) -> Self {
        Self { source, tree, overrides: Overrides::NONE, syntax }
    }

    /// The text and its tree.
    pub(crate) fn into_parts(self) -> (Source, Tree) {
        (self.source, self.tree)
    }

    /// Whether all of the text could be read.
    pub(crate) const fn is_read(&self) -> bool {
        self.syntax.is_empty()
    }

    /// The text.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The syntax tree; statements that could not be parsed are missing.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The path of the model that the policy names.
    #[must_use]
    pub fn model(&self) -> Option<&Spanned<Text>> {
        self.tree.items.iter().find_map(|item| match &item.value {
            Item::Model(path) => Some(path),
            _ => None,
        })
    }

    /// Replaces the value of a number that a `let` defines.
    ///
    /// # Errors
    /// If no `let` defines the number.
    pub fn with(mut self, name: &str, value: f64) -> Result<Self, OverrideError> {
        let numbers = self.tree.items.iter().filter_map(|item| match &item.value {
            Item::LetNumber { name, .. } => Some(name.value.as_ref()),
            _ => None,
        });
        if !numbers.clone().any(|number| number == name) {
            let near = nearest(name, numbers);
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(OverrideError::Unknown(name.to_owned(), near));
        }
        self.overrides.names.insert(name.to_owned().into(), value);
        Ok(self)
    }

    /// Checks it, as far as possible without a model.
    #[must_use]
    pub fn check(self) -> Checked {
        self.check_with(None)
    }

    /// Checks it against a model as well. If parts of the text could not be read, the effects of
    /// its rules are unknown, and only their selectors are checked.
    #[must_use]
    pub fn check_against(self, model: &Model) -> Checked {
        self.check_with(Some(model))
    }

    /// Checks it against a model, and returns the effect of every rule as well, if no finding is an
    /// error.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use freeze_dsl::{Draft, model::Model, source::Source};
    /// # let model = Model::from_json(r#"{"format":1,"tensors":[
    /// #   {"name":"fc.weight","shape":[2,2],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let draft = Draft::read(Source::new("start: train fc lr 1e-3"));
    /// let (checked, plan) = draft.plan_against(&Arc::new(model));
    /// assert!(checked.findings.diagnostics().is_empty());
    /// assert_eq!(plan.map(|plan| plan.rows().len()), Some(1));
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub fn plan_against(self, model: &Arc<Model>) -> (Checked, Option<Plan>) {
        let checked = self.findings(Some(&NameIndex::new(model)), |_| Vec::new());
        let CheckedDraft { findings, bound, is_sound } = checked;
        let policy = is_sound.then(|| self.into_policy());
        let plan = policy.clone().zip(bound).map(|(policy, (bound, rows))| {
            let diagnostics = findings.diagnostics().to_vec();
            Plan::new(policy, Arc::clone(model), bound, rows, diagnostics)
        });
        (Checked { policy, findings }, plan)
    }

    fn check_with(self, model: Option<&Model>) -> Checked {
        let index = model.map(NameIndex::new);
        let CheckedDraft { findings, is_sound, .. } = self.findings(index.as_ref(), |_| Vec::new());
        Checked { policy: is_sound.then(|| self.into_policy()), findings }
    }

    fn into_policy(self) -> Policy {
        Policy::new(self.source, self.tree, self.overrides)
    }

    /// All findings, and what else is known after a check. `others` finds more in a policy with which
    /// nothing is wrong.
    pub(crate) fn findings(
        &self,
        model: Option<&NameIndex<'_>>,
        others: impl FnOnce(&BoundPolicy) -> Vec<Diagnostic>,
    ) -> CheckedDraft {
        let Self { source, tree, overrides, syntax } = self;
        let mut sink: DiagnosticSink = syntax.iter().cloned().collect();
        let bound = check_all(source, tree, overrides, model, &mut sink);
        let is_sound = !sink.iter().any(Diagnostic::is_error);
        sink.extend(bound.as_ref().map_or_else(Vec::new, |(bound, _)| others(bound)));
        let knowledge = if model.is_some() { Knowledge::Model } else { Knowledge::Text };
        let found = allow::heeding(source, tree, sink.into_vec(), knowledge);
        CheckedDraft { findings: Findings::new(source.clone(), found), bound, is_sound }
    }

    /// What the parts of the text within a span mean.
    pub(crate) fn record(&self, model: Option<&NameIndex<'_>>, within: Span) -> Recording {
        record(&self.tree, &self.source, &self.overrides, model, within)
    }
}

impl Checked {
    /// The policy.
    ///
    /// # Errors
    /// All findings, if one of them is an error.
    pub fn into_policy(self) -> Result<Policy, Findings> {
        self.policy.ok_or(self.findings)
    }
}
