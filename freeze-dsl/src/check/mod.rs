//! Checks of a policy that need no model.

mod order;

pub(crate) use order::order;

use crate::diagnostic::{Code, Diagnostic};
use crate::policy::{Action, Options, Policy};

/// What is likely not what was meant, and stops nothing.
pub(crate) fn advice(policy: &Policy) -> Vec<Diagnostic> {
    let actions = policy.rules().iter().flat_map(|rule| rule.actions.iter());
    let given =
        actions.filter_map(|action| action.value.options().map(|options| (action, options)));
    let mut found: Vec<Diagnostic> =
        given.filter_map(|(action, options)| zero_lr(options, Some(&action.value))).collect();
    found.extend(zero_lr(policy.defaults(), None));
    found
}

fn zero_lr(options: &Options, action: Option<&Action>) -> Option<Diagnostic> {
    let lr = options.lr.filter(|lr| lr.value == 0.0)?;
    let better = match action {
        Some(Action::Set(..)) => "write `freeze` for these instead",
        Some(_) => "leave these out: what is not named in `train` is frozen",
        None => "name what trains with `train` instead",
    };
    Some(
        Diagnostic::new(Code::FRZ0505, lr.span, "`lr 0` trains nothing and costs as much")
            .label("a learning rate of zero")
            .note(better),
    )
}
