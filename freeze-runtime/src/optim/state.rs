//! The optimizer state of one parameter.

use freeze_dsl::Optimizer;
use tch::{Kind, TchError, Tensor};

/// Tensors by the names that they have in a `PyTorch` optimizer's `state_dict`.
#[derive(Debug)]
pub(crate) struct ParamState {
    optimizer: Optimizer,
    tensors: Vec<(&'static str, Tensor)>,
}

impl ParamState {
    /// The state before the first step.
    pub(crate) fn new(optimizer: Optimizer, parameter: &Tensor) -> Result<Self, TchError> {
        let mut tensors = Vec::new();
        if counts_steps(&optimizer) {
            tensors.push(("step", Tensor::f_zeros([], (Kind::Float, parameter.device()))?));
        }
        for &name in averages(&optimizer) {
            tensors.push((name, parameter.f_zeros_like()?));
        }
        Ok(Self { optimizer, tensors })
    }

    /// Whether it belongs to this kind of optimizer and has all that its step needs.
    pub(crate) fn is_of(&self, optimizer: &Optimizer) -> bool {
        let has = |name: &&str| self.tensor(name).is_some();
        self.optimizer.shares_state_with(optimizer) && averages(optimizer).iter().all(has)
    }

    /// The names of the state tensors of an optimizer.
    pub(crate) fn names(optimizer: &Optimizer) -> impl Iterator<Item = &'static str> {
        let steps = counts_steps(optimizer).then_some("step");
        steps.into_iter().chain(averages(optimizer).iter().copied())
    }

    /// The optimizer that it belongs to.
    pub(crate) const fn optimizer(&self) -> Optimizer {
        self.optimizer
    }

    /// Its tensors, by name.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (*name, tensor))
    }

    /// Its tensors with the shape of the parameter.
    pub(super) fn averages(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors().filter(|(name, _)| *name != "step").map(|(_, tensor)| tensor)
    }

    /// The tensor with that name, if this optimizer has one.
    pub(super) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(of, _)| *of == name).map(|(_, tensor)| tensor)
    }

    /// Its memory in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.tensors
            .iter()
            .map(|(_, tensor)| tensor.numel() * tensor.kind().elt_size_in_bytes())
            .sum()
    }
}

const fn counts_steps(optimizer: &Optimizer) -> bool {
    matches!(optimizer, Optimizer::Adam { .. } | Optimizer::AdamW { .. })
}

/// The names of the tensors with the shape of the parameter.
fn averages(optimizer: &Optimizer) -> &'static [&'static str] {
    match *optimizer {
        Optimizer::Sgd { momentum, .. } if momentum > 0.0 => &["momentum_buffer"],
        Optimizer::Sgd { .. } => &[],
        Optimizer::Adam { amsgrad, .. } | Optimizer::AdamW { amsgrad, .. } => {
            if amsgrad {
                &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
            } else {
                &["exp_avg", "exp_avg_sq"]
            }
        }
        Optimizer::RmsProp { momentum, centered, .. } => match (centered, momentum > 0.0) {
            (false, false) => &["square_avg"],
            (false, true) => &["square_avg", "momentum_buffer"],
            (true, false) => &["square_avg", "grad_avg"],
            (true, true) => &["square_avg", "grad_avg", "momentum_buffer"],
        },
    }
}
