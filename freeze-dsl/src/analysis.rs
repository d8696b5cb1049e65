//! The whole way from a text to a policy.

use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::lower::lower;
use crate::policy::Policy;
use crate::source::{Source, Span};
use crate::{check, parse};

/// A text read and checked.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The policy, unless a finding is an error.
    pub policy: Option<Policy>,
    /// All that was found, warnings included.
    pub findings: Findings,
}

/// Reads and checks a policy, as far as can be without a model.
#[must_use]
pub fn analyze(source: Source) -> Analysis {
    let (tree, mut found) = parse::parse(source.text());
    let parts = lower(&tree, &mut found);
    let policy = Policy::from_checked(source.clone(), parts);
    if policy.rules().is_empty() && found.is_empty() {
        let end = source.text().len();
        found.push(Diagnostic::new(
            Code::FRZ0101,
            Span::new(end.saturating_sub(1), end),
            "a policy has at least one rule, such as `start: train fc`",
        ));
    }
    check::order(&policy, &mut found);
    found.extend(check::advice(&policy));
    let usable = !found.iter().any(Diagnostic::is_error);
    Analysis { policy: usable.then_some(policy), findings: Findings::new(source, found) }
}
