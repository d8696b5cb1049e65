//! The optimizer state of one parameter.

use freeze_dsl::Optimizer;
use tch::{Device, Kind, TchError, Tensor};

/// Tensors by the names that they have in a `PyTorch` optimizer's `state_dict`.
///
/// It is made at the first step of a parameter, but for the momentum buffer of SGD and `RMSprop`, which
/// is made at the first step with a momentum above 0, and stays.
#[derive(Debug)]
pub(crate) struct ParamState {
    optimizer: Optimizer,
    tensors: Vec<(&'static str, Tensor)>,
}

/// A tensor of the state before the first step.
#[derive(Clone, Copy)]
enum InitialTensor {
    /// A number on the parameter's device, which a fused kernel counts up.
    OnDevice,
    /// A number on the host, so that a step need not wait for the device to read it.
    OnHost(f64),
    /// The shape of the parameter, filled with a number.
    Like(f64),
    /// The shape of the parameter, with one column.
    OneColumn,
    /// The shape of the parameter, with one row.
    OneRow,
}

const MOMENTUM_BUFFER: &str = "momentum_buffer";

/// The names of numbers.
const NUMBERS: [&str; 2] = ["step", "mu_product"];

/// The names of Adafactor's tensors, of which a parameter has the first two or the third.
const FACTORS: [&str; 3] = ["row_var", "col_var", "variance"];

impl ParamState {
    /// The state before the first step.
    #[cfg(test)]
    pub(crate) fn new(optimizer: Optimizer, parameter: &Tensor) -> Result<Self, TchError> {
        Self::completed(None, optimizer, parameter)
    }

    /// The state for the next step: what there is of a parameter's state of this kind, and what the
    /// step needs beside it.
    pub(crate) fn completed(
        known: Option<&Self>,
        optimizer: Optimizer,
        parameter: &Tensor,
    ) -> Result<Self, TchError> {
        let known = known.filter(|state| state.is_of(&optimizer));
        let mut tensors: Vec<(&'static str, Tensor)> = Vec::new();
        for (name, tensor) in known.iter().flat_map(|state| state.tensors()) {
            tensors.push((name, tensor.shallow_clone()));
        }
        for (name, initial) in initial_tensors(&optimizer, parameter.dim()) {
            if tensors.iter().all(|(known, _)| *known != name) {
                tensors.push((name, initial.tensor(parameter)?));
            }
        }
        Ok(Self { optimizer, tensors })
    }

    /// The state that a checkpoint has for a parameter, to be filled; `is_saved` says whether it has
    /// a tensor.
    pub(crate) fn resumed(
        optimizer: Optimizer,
        parameter: &Tensor,
        is_saved: impl Fn(&str) -> bool,
    ) -> Result<Self, TchError> {
        let momentum = if is_saved(MOMENTUM_BUFFER) { 1.0 } else { 0.0 };
        let shaped = match optimizer {
            Optimizer::Sgd { dampening, nesterov, .. } => {
                Optimizer::Sgd { momentum, dampening, nesterov }
            }
            Optimizer::RmsProp { alpha, eps, centered, .. } => {
                Optimizer::RmsProp { alpha, eps, momentum, centered }
            }
            _ => optimizer,
        };
        Ok(Self { optimizer, ..Self::completed(None, shaped, parameter)? })
    }

    /// The names of the tensors that the state of an optimizer may have, and whether it has each of
    /// them for every parameter.
    pub(crate) fn names(optimizer: &Optimizer) -> Vec<(&'static str, bool)> {
        if let Optimizer::Adafactor { .. } = optimizer {
            return [("step", true)].into_iter().chain(FACTORS.map(|name| (name, false))).collect();
        }
        let mut names: Vec<_> =
            initial_tensors(optimizer, 2).into_iter().map(|(name, _)| (name, true)).collect();
        if has_optional_momentum(optimizer) {
            names.retain(|(name, _)| *name != MOMENTUM_BUFFER);
            names.push((MOMENTUM_BUFFER, false));
        }
        names
    }

    /// Whether it belongs to this kind of optimizer.
    pub(super) fn is_of(&self, optimizer: &Optimizer) -> bool {
        self.optimizer.shares_state_with(optimizer)
    }

    /// Whether it has all that a step of this optimizer needs.
    pub(super) fn is_complete(&self, optimizer: &Optimizer) -> bool {
        let needs_buffer = match *optimizer {
            Optimizer::Sgd { momentum, .. } | Optimizer::RmsProp { momentum, .. } => momentum > 0.0,
            _ => false,
        };
        self.is_of(optimizer) && (!needs_buffer || self.tensor(MOMENTUM_BUFFER).is_some())
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
        let is_average = |name: &str| !NUMBERS.contains(&name) && !FACTORS[..2].contains(&name);
        self.tensors().filter(move |(name, _)| is_average(name)).map(|(_, tensor)| tensor)
    }

    /// The tensor with that name, if this optimizer has one.
    pub(crate) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(of, _)| *of == name).map(|(_, tensor)| tensor)
    }

    /// Fails unless Adafactor's rows and columns go with a parameter.
    pub(super) fn check_factors(&self, parameter: &Tensor) -> Result<(), TchError> {
        for (name, initial) in initial_tensors(&self.optimizer, parameter.dim()) {
            let (InitialTensor::OneColumn | InitialTensor::OneRow) = initial else { continue };
            let fits = self.tensor(name).is_some_and(|tensor| {
                tensor.size() == initial.size(parameter)
                    && tensor.kind() == parameter.kind()
                    && tensor.device() == parameter.device()
            });
            if !fits {
                return Err(TchError::Torch(format!(
                    "optimizer state of {:?} does not go with a parameter of {:?}{:?}",
                    self.tensor(name).map(|tensor| (tensor.kind(), tensor.size())),
                    parameter.kind(),
                    parameter.size(),
                )));
            }
        }
        Ok(())
    }

    /// Whether a tensor of a state has the rows of its parameter.
    pub(crate) fn has_rows(name: &str, tensor: &Tensor) -> bool {
        // What is a sum over rows belongs to each of them.
        tensor.dim() > 0 && (name != FACTORS[1] || tensor.dim() > 2)
    }

    /// The same tensors.
    pub(crate) fn shallow_clone(&self) -> Self {
        let tensors = self.tensors().map(|(name, tensor)| (name, tensor.shallow_clone()));
        Self { optimizer: self.optimizer, tensors: tensors.collect() }
    }

    /// The same on a device.
    pub(crate) fn to_device(&self, device: Device) -> Result<Self, TchError> {
        let tensors = self.tensors().map(|(name, it)| Ok((name, it.f_to_device(device)?)));
        let tensors = tensors.collect::<Result<_, TchError>>()?;
        Ok(Self { optimizer: self.optimizer, tensors })
    }

    /// Its memory in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.tensors
            .iter()
            .map(|(_, tensor)| tensor.numel() * tensor.kind().elt_size_in_bytes())
            .sum()
    }
}

impl InitialTensor {
    fn tensor(self, parameter: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::OnDevice => Tensor::f_zeros([], (Kind::Float, parameter.device())),
            Self::OnHost(value) => Tensor::f_full([], value, (Kind::Float, Device::Cpu)),
            Self::Like(value) => {
                let tensor = parameter.f_zeros_like()?;
                if value != 0.0 {
                    let _ = super::real(&tensor)?.f_fill_(value)?;
                }
                Ok(tensor)
            }
            Self::OneColumn | Self::OneRow => {
                Tensor::f_zeros(self.size(parameter), (parameter.f_kind()?, parameter.device()))
            }
        }
    }

    /// Its shape.
    fn size(self, parameter: &Tensor) -> Vec<i64> {
        let mut size = parameter.size();
        let last = size.len();
        let one = match self {
            Self::OnDevice | Self::OnHost(_) => return Vec::new(),
            Self::Like(_) => None,
            Self::OneColumn => last.checked_sub(1),
            Self::OneRow => last.checked_sub(2),
        };
        if let Some(length) = one.and_then(|one| size.get_mut(one)) {
            *length = 1;
        }
        size
    }
}

const fn has_optional_momentum(optimizer: &Optimizer) -> bool {
    matches!(optimizer, Optimizer::Sgd { .. } | Optimizer::RmsProp { .. })
}

/// The tensors that a step of a parameter of so many dimensions needs.
fn initial_tensors(optimizer: &Optimizer, dimensions: usize) -> Vec<(&'static str, InitialTensor)> {
    use InitialTensor::{Like, OnDevice, OnHost, OneColumn, OneRow};
    let zeros = Like(0.0);
    let mut tensors = match *optimizer {
        Optimizer::Sgd { .. } => Vec::new(),
        Optimizer::Adam { amsgrad, .. } | Optimizer::AdamW { amsgrad, .. } => {
            let mut tensors = vec![("step", OnDevice), ("exp_avg", zeros), ("exp_avg_sq", zeros)];
            tensors.extend(amsgrad.then_some(("max_exp_avg_sq", zeros)));
            tensors
        }
        Optimizer::RmsProp { centered, .. } => {
            let mut tensors = vec![("square_avg", zeros)];
            tensors.extend(centered.then_some(("grad_avg", zeros)));
            tensors
        }
        Optimizer::Adagrad { initial, .. } => vec![("step", OnHost(0.0)), ("sum", Like(initial))],
        Optimizer::Adamax { .. } => {
            vec![("step", OnHost(0.0)), ("exp_avg", zeros), ("exp_inf", zeros)]
        }
        Optimizer::NAdam { .. } => vec![
            ("step", OnHost(0.0)),
            ("mu_product", OnHost(1.0)),
            ("exp_avg", zeros),
            ("exp_avg_sq", zeros),
        ],
        Optimizer::RAdam { .. } => {
            vec![("step", OnHost(0.0)), ("exp_avg", zeros), ("exp_avg_sq", zeros)]
        }
        Optimizer::Adafactor { .. } if dimensions > 1 => {
            vec![("step", OnHost(0.0)), (FACTORS[0], OneColumn), (FACTORS[1], OneRow)]
        }
        Optimizer::Adafactor { .. } => vec![("step", OnHost(0.0)), (FACTORS[2], zeros)],
        Optimizer::Muon { .. } => vec![(MOMENTUM_BUFFER, zeros)],
        Optimizer::Lion { .. } => vec![("exp_avg", zeros)],
    };
    if let Optimizer::Sgd { momentum, .. } | Optimizer::RmsProp { momentum, .. } = *optimizer
        && momentum > 0.0
    {
        tensors.push((MOMENTUM_BUFFER, zeros));
    }
    tensors
}
