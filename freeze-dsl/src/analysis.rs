//! The whole way from a text to a policy, and to a plan where there is a model.

use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::lower::lower;
use crate::model::Model;
use crate::plan::Plan;
use crate::policy::{Policy, Text};
use crate::source::{Source, Span, Spanned};
use crate::{check, parse};

/// A text read and checked.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The policy, unless a finding is an error.
    pub policy: Option<Policy>,
    /// All that was found, warnings included.
    pub findings: Findings,
    /// What could be read of the policy, whatever is wrong with it.
    readable: Policy,
    /// Whether that is all of it.
    is_whole: bool,
}

/// Reads and checks a policy, as far as can be without a model.
#[must_use]
pub fn analyze(source: Source) -> Analysis {
    let (tree, mut found) = parse::parse(source.text());
    let parts = lower(&tree, &mut found);
    let policy = Policy::from_checked(source, parts);
    if policy.rules().is_empty() && found.is_empty() {
        let end = policy.source().text().trim_end().len();
        found.push(
            Diagnostic::new(
                Code::FRZ0101,
                Span::new(end.saturating_sub(1), end),
                "a policy has at least one rule",
            )
            .label("expected a rule such as `start: train fc`"),
        );
    }
    let is_whole = !found.iter().any(Diagnostic::is_error);
    check::order(&policy, &mut found);
    found.extend(check::advice(&policy));
    Analysis::new(policy, is_whole, found)
}

impl Analysis {
    fn new(readable: Policy, is_whole: bool, found: Vec<Diagnostic>) -> Self {
        let usable = !found.iter().any(Diagnostic::is_error);
        Self {
            policy: usable.then(|| readable.clone()),
            findings: Findings::new(readable.source().clone(), found),
            readable,
            is_whole,
        }
    }

    /// The path of the model that the policy names, even where the policy is wrong.
    #[must_use]
    pub fn model(&self) -> Option<&Spanned<Text>> {
        self.readable.parts().model.as_ref()
    }

    /// Checks against a model as well. Where parts of the text could not be read, what the rules
    /// would do cannot be known, and their selectors alone are checked.
    #[must_use]
    pub fn against(self, model: &Model) -> Self {
        let mut found = self.findings.diagnostics().to_vec();
        if self.is_whole {
            match Plan::new(&self.readable, model) {
                Ok(plan) => found.extend(plan.warnings().iter().cloned()),
                Err(findings) => found.extend(findings.diagnostics().iter().cloned()),
            }
        } else {
            found.extend(Plan::selectors(&self.readable, model));
        }
        Self::new(self.readable, self.is_whole, found)
    }
}
