//! The whole way from a text to a policy, and to a plan where there is a model.

use crate::ast::{Item, List, Text};
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink, Findings};
use crate::model::Model;
use crate::plan::{Bound, Row};
use crate::policy::{OverrideError, Policy};
use crate::select::NameIndex;
use crate::source::{Source, Spanned};
use crate::unroll::unroll;
use crate::{check, parse};

/// A text read and checked.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The policy, unless a finding is an error.
    pub policy: Option<Policy>,
    /// All that was found, warnings and notes included.
    pub findings: Findings,
    /// What could be read of a policy that is wrong.
    wrong: Option<Policy>,
    /// What was found as the text was read.
    syntax: Vec<Diagnostic>,
}

/// Reads and checks a policy, as far as can be without a model.
#[must_use]
pub fn analyze(source: Source) -> Analysis {
    let (tree, syntax) = parse::parse(source.text());
    Analysis::read(Policy::from_checked(source, tree), syntax)
}

/// Reads and checks a policy in which Rust expressions may stand that are evaluated later: for
/// `freeze_policy!`.
#[doc(hidden)]
#[must_use]
pub fn analyze_macro(source: Source) -> Analysis {
    let (tree, syntax) = parse::parse(source.text());
    Analysis::read(Policy::evaluated(source, tree, List::default()), syntax)
}

impl Analysis {
    /// Checks a policy that was read before.
    pub(crate) fn of(policy: Policy) -> Self {
        Self::read(policy, Vec::new())
    }

    /// Checks a policy of whose text this was found as it was read.
    pub(crate) fn read(policy: Policy, syntax: Vec<Diagnostic>) -> Self {
        Self::new(policy, syntax, None)
    }

    fn new(readable: Policy, syntax: Vec<Diagnostic>, model: Option<&Model>) -> Self {
        let mut found = syntax.iter().cloned().collect();
        check(&readable, model, &mut found);
        let is_wrong = found.iter().any(Diagnostic::is_error);
        let findings = Findings::new(readable.source().clone(), found.into_vec());
        let (policy, wrong) =
            if is_wrong { (None, Some(readable)) } else { (Some(readable), None) };
        Self { policy, findings, wrong, syntax }
    }

    /// The path of the model that the policy names, even where the policy is wrong.
    #[must_use]
    pub fn model(&self) -> Option<&Spanned<Text>> {
        let readable = self.policy.as_ref().or(self.wrong.as_ref())?;
        readable.tree().items.iter().find_map(|item| match &item.value {
            Item::Model(path) => Some(path),
            _ => None,
        })
    }

    /// Checks with another value for a number that a `let` defines, and without a model.
    ///
    /// # Errors
    /// If no `let` defines the number.
    pub fn with(mut self, name: &str, value: f64) -> Result<Self, OverrideError> {
        let Some(mut readable) = self.readable() else { return Ok(self) };
        readable.give(name, value)?;
        Ok(Self::read(readable, self.syntax))
    }

    /// Checks against a model as well. Where parts of the text could not be read, what the rules
    /// would do cannot be known, and their selectors alone are checked.
    #[must_use]
    pub fn against(mut self, model: &Model) -> Self {
        let Some(readable) = self.readable() else { return self };
        Self::new(readable, self.syntax, Some(model))
    }

    /// Takes what could be read, whatever is wrong with it; nothing where the policy has been
    /// taken before.
    fn readable(&mut self) -> Option<Policy> {
        self.policy.take().or(self.wrong.take())
    }

    /// The policy, or all that is wrong with it.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn into_policy(self) -> Result<Policy, Findings> {
        self.policy.ok_or(self.findings)
    }
}

/// Adds all that is wrong with a policy; gives what it comes to with a model, where nothing is.
pub(crate) fn check(
    policy: &Policy,
    model: Option<&Model>,
    found: &mut DiagnosticSink,
) -> Option<(Bound, Vec<Row>)> {
    let selecting = model.map(NameIndex::new);
    let unrolled =
        unroll(policy.tree(), policy.source(), policy.given(), selecting.as_ref(), found);
    // What a rule does is known where its targets are, whatever is wrong with its numbers.
    let is_whole = !found.iter().any(|finding| finding.code.leaves_unresolved());
    if unrolled.rules.is_empty() && is_whole && !unrolled.is_open {
        found.push(
            Diagnostic::new(
                Code::Syntax,
                parse::last_character(policy.source().text()),
                "a policy has at least one rule",
            )
            .label("expected a rule such as `start: train fc`"),
        );
    }
    check::order(&unrolled, policy.source().text(), found);
    // What stands in statements that cannot be read, or in turns of loops, may use any name.
    if !is_whole || unrolled.is_open {
        found.forget(Code::UnusedLet);
    }
    let mut targets =
        unrolled.rules.iter().flat_map(|rule| &rule.actions).filter_map(|it| it.value.targets());
    let is_known = targets.all(|targets| targets.value.is_known());
    let (true, Some(selecting), Some(model)) = (is_whole && is_known, selecting, model) else {
        return None;
    };
    let bound = Bound::new(unrolled, &selecting, model);
    let rows = bound.rows(policy.source().text(), found);
    (!found.iter().any(Diagnostic::is_error)).then_some((bound, rows))
}
