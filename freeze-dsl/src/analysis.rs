//! The whole way from a text to a policy, and to a plan where there is a model.

use crate::ast::{Item, List, Text};
use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::model::Model;
use crate::plan::{Bound, Row};
use crate::policy::Policy;
use crate::select::Selecting;
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
    /// What could be read of the policy, whatever is wrong with it.
    readable: Policy,
    /// What was found as the text was read.
    syntax: Vec<Diagnostic>,
}

/// Reads and checks a policy, as far as can be without a model.
#[must_use]
pub fn analyze(source: Source) -> Analysis {
    let (tree, syntax) = parse::parse(source.text());
    Analysis::new(Policy::from_checked(source, tree), syntax, None)
}

/// Reads and checks a policy in which Rust expressions may stand that are evaluated later: for
/// `freeze_policy!`.
#[doc(hidden)]
#[must_use]
pub fn analyze_macro(source: Source) -> Analysis {
    let (tree, syntax) = parse::parse(source.text());
    Analysis::new(Policy::evaluated(source, tree, List::default()), syntax, None)
}

impl Analysis {
    /// Checks a policy that was read before.
    pub(crate) fn of(policy: Policy) -> Self {
        Self::new(policy, Vec::new(), None)
    }

    fn new(readable: Policy, syntax: Vec<Diagnostic>, model: Option<&Model>) -> Self {
        let mut found = syntax.clone();
        check(&readable, model, &mut found);
        let usable = !found.iter().any(Diagnostic::is_error);
        Self {
            policy: usable.then(|| readable.clone()),
            findings: Findings::new(readable.source().clone(), found),
            readable,
            syntax,
        }
    }

    /// The path of the model that the policy names, even where the policy is wrong.
    #[must_use]
    pub fn model(&self) -> Option<&Spanned<Text>> {
        self.readable.tree().items.iter().find_map(|item| match &item.value {
            Item::Model(path) => Some(path),
            _ => None,
        })
    }

    /// Checks against a model as well. Where parts of the text could not be read, what the rules
    /// would do cannot be known, and their selectors alone are checked.
    #[must_use]
    pub fn against(self, model: &Model) -> Self {
        Self::new(self.readable, self.syntax, Some(model))
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
    found: &mut Vec<Diagnostic>,
) -> Option<(Bound, Vec<Row>)> {
    let selecting = model.map(Selecting::new);
    let unrolled =
        unroll(policy.tree(), policy.source(), policy.given(), selecting.as_ref(), found);
    // What a rule does is known where its targets are, whatever is wrong with its numbers.
    let is_whole = !found.iter().any(|finding| {
        matches!(
            finding.code,
            Code::FRZ0101
                | Code::FRZ0102
                | Code::FRZ0103
                | Code::FRZ0105
                | Code::FRZ0201
                | Code::FRZ0202
                | Code::FRZ0204
                | Code::FRZ0205
                | Code::FRZ0207
        )
    });
    if unrolled.rules.is_empty() && is_whole && !unrolled.is_open {
        found.push(
            Diagnostic::new(
                Code::FRZ0101,
                parse::last_character(policy.source().text()),
                "a policy has at least one rule",
            )
            .label("expected a rule such as `start: train fc`"),
        );
    }
    check::order(&unrolled, found);
    // What stands in statements that cannot be read, or in turns of loops, may use any name.
    if !is_whole || unrolled.is_open {
        found.retain(|finding| finding.code != Code::FRZ0504);
    }
    let mut targets =
        unrolled.rules.iter().flat_map(|rule| &rule.actions).filter_map(|it| it.value.targets());
    let is_known = targets.all(|targets| targets.value.is_known());
    let (true, Some(selecting), Some(model)) = (is_whole && is_known, selecting, model) else {
        return None;
    };
    let bound = Bound::new(unrolled, &selecting, model);
    let rows = bound.rows(found);
    (!found.iter().any(Diagnostic::is_error)).then_some((bound, rows))
}
