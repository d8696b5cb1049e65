//! What every rule of a policy does to each parameter of a model.

mod apply;
mod table;

pub(crate) use table::share;

use crate::diagnostic::{Diagnostic, Findings};
use crate::model::Model;
use crate::policy::{Options, Policy};
use crate::select::Selecting;

/// A policy bound to a model that it fits: a row a rule.
///
/// Because rules fire in the order in which they are written, what trains after each rule is
/// known here, whenever it will fire.
#[derive(Debug, Clone)]
pub struct Plan {
    policy: Policy,
    model: Model,
    rows: Vec<Row>,
    warnings: Vec<Diagnostic>,
}

/// What one rule does.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What messages call the rule: its name, or its number in the text counted from 1.
    pub rule: String,
    /// What it changes, in the model's order; parameters that it leaves as they are do not
    /// stand here.
    pub effects: Vec<Effect>,
    /// How many parameters train after it.
    pub trainable: usize,
    /// How many numbers these parameters have.
    pub trainable_elements: usize,
    /// Whether training is over when it fires.
    pub stops: bool,
}

/// What a rule does to one parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// The parameter, as an index of the model's parameters.
    pub parameter: usize,
    /// Whether it trains after the rule.
    pub trains: bool,
    /// The options that actions have given it so far.
    pub options: Options,
    /// Whether its optimizer state is dropped, whether or not it trains after the rule.
    pub drops_state: bool,
}

impl Plan {
    pub(crate) fn new(policy: &Policy, model: &Model) -> Result<Self, Findings> {
        let mut found = policy.warnings();
        let rows = apply::rows(policy, &Selecting::new(model), model, &mut found);
        if found.iter().any(Diagnostic::is_error) {
            return Err(Findings::new(policy.source().clone(), found));
        }
        crate::diagnostic::sort(&mut found);
        Ok(Self { policy: policy.clone(), model: model.clone(), rows, warnings: found })
    }

    /// The selectors of a policy that select nothing, for one that is wrong in other ways: what
    /// its rules would do cannot be known then.
    pub(crate) fn selectors(policy: &Policy, model: &Model) -> Vec<Diagnostic> {
        let selecting = Selecting::new(model);
        let mut found = Vec::new();
        let actions = policy.rules().iter().flat_map(|rule| rule.actions.iter());
        for targets in actions.filter_map(|action| action.value.targets()) {
            selecting.targets(targets, policy.source().text(), &mut found);
        }
        found
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// A row a rule, in the order in which they fire.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What stops nothing and is likely not what was meant.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}
