//! The variables of a store, compared with those that a tuner was attached to.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use freeze_dsl::model::{Model, Role, TensorId};
use tch::{TchError, Tensor, nn};

use crate::Error;
use crate::ffi::{self, Identity};
use crate::store::dtype;

/// The store of a tuner, and its variables at [`attach`](crate::TunerBuilder::attach).
pub(super) struct AttachedStore {
    /// The store's own list, which also has variables that are added later.
    variables: Arc<Mutex<nn::Variables>>,
    /// The parameters, in the model's order, each tied one under all of its names.
    parameters: Vec<AttachedParameter>,
    identities: HashSet<usize>,
    /// The tensors themselves, in the model's order, so that no other one gets the identity of one of
    /// them.
    tensors: Vec<Tensor>,
}

/// A parameter under one of its names.
struct AttachedParameter {
    name: String,
    tensor: usize,
}

impl AttachedStore {
    /// The tensors are those of the model, in its order.
    pub(super) fn new(
        store: &nn::VarStore,
        model: &Model,
        tensors: Vec<Tensor>,
    ) -> Result<Self, TchError> {
        let identities = ffi::identities(&tensors.iter().collect())?;
        let named = model.tensors().iter().zip(&identities);
        let parameters: Vec<AttachedParameter> = named
            .filter(|(tensor, _)| tensor.role == Role::Parameter)
            .map(|(tensor, identity)| AttachedParameter {
                name: tensor.name.clone(),
                tensor: identity.tensor(),
            })
            .collect();
        let identities = parameters.iter().map(|parameter| parameter.tensor).collect();
        let variables = Arc::clone(&store.variables_);
        Ok(Self { variables, parameters, identities, tensors })
    }

    fn lock(&self) -> MutexGuard<'_, nn::Variables> {
        self.variables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tensor of the model as it was at `attach`.
    pub(super) fn tensor(&self, id: TensorId) -> Option<&Tensor> {
        self.tensors.get(id.index())
    }

    /// The variables that a model describes, by name.
    pub(super) fn named(&self, model: &Model) -> Vec<(String, Tensor)> {
        let variables = self.lock();
        let names = model.tensors().iter().map(|tensor| &tensor.name);
        names
            .filter_map(|name| {
                Some((name.clone(), variables.named_variables.get(name)?.shallow_clone()))
            })
            .collect()
    }

    /// Checks that each parameter is still the tensor that it was, and that no other variable of the
    /// store requires gradients: by the tensors themselves and not by their names.
    pub(super) fn audit(&self, model: &Model) -> Result<(), Error> {
        let variables = self.lock();
        let mut now = Vec::with_capacity(self.parameters.len());
        for AttachedParameter { name, .. } in &self.parameters {
            now.push(variables.named_variables.get(name).ok_or_else(|| removed(name))?);
        }
        let identities = ffi::identities(&now.into_iter().collect())?;
        let is_other = |(identity, parameter): (&Identity, &AttachedParameter)| {
            identity.tensor() != parameter.tensor
        };
        let other = identities.iter().zip(&self.parameters).position(is_other);
        if let Some(AttachedParameter { name, .. }) =
            other.and_then(|index| self.parameters.get(index))
        {
            return Err(Error::Ownership(format!(
                "`{name}` was replaced after `attach`, so that no rule applies to it"
            )));
        }
        let flagged: Vec<(&String, &Tensor)> =
            variables.named_variables.iter().filter(|(_, tensor)| tensor.requires_grad()).collect();
        let identities = ffi::identities(&flagged.iter().map(|(_, tensor)| *tensor).collect())?;
        let unplanned = flagged.into_iter().zip(identities);
        let unplanned =
            unplanned.filter(|(_, identity)| !self.identities.contains(&identity.tensor()));
        let Some(name) = unplanned.map(|((name, _), _)| name).min() else { return Ok(()) };
        let is_known = model.tensors().iter().any(|tensor| tensor.name == *name);
        Err(Error::Ownership(if is_known {
            format!("`{name}` is not a parameter, and its `requires_grad` is true")
        } else {
            format!("`{name}` was added after `attach`, so that no rule applies to it")
        }))
    }

    /// Checks that each variable has the shape and dtype that it had: optimizer state and copies
    /// have them.
    pub(super) fn audit_types(&self, model: &Model) -> Result<(), Error> {
        let variables = self.lock();
        for known in model.tensors() {
            let name = &known.name;
            let variable = variables.named_variables.get(name).ok_or_else(|| removed(name))?;
            let (is, was) = (dtype(variable.kind()), known.dtype.as_str());
            if is != was {
                return Err(Error::Ownership(format!(
                    "`{name}` is {is} now and was {was} when the tuner was attached: cast a model \
                     before `attach`"
                )));
            }
            let shape = variable.size();
            let sizes = shape.iter().map(|size| usize::try_from(*size).unwrap_or_default());
            if !sizes.eq(known.shape.iter().copied()) {
                return Err(Error::Ownership(format!(
                    "`{name}` has shape {shape:?} now and had shape {:?} when the tuner was \
                     attached: attach a new tuner",
                    known.shape
                )));
            }
        }
        Ok(())
    }

    /// Checks that the store has no variable that was added since: a checkpoint would not have it.
    pub(super) fn require_no_others(&self, model: &Model) -> Result<(), Error> {
        let variables = self.lock();
        if variables.named_variables.len() == model.tensors().len() {
            return Ok(());
        }
        let known: HashSet<&str> =
            model.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
        let added = variables.named_variables.keys().filter(|name| !known.contains(name.as_str()));
        match added.min() {
            None => Ok(()),
            Some(name) => Err(Error::Ownership(format!(
                "`{name}` was added after `attach`, so that a checkpoint would not have it: create \
                 every variable before `attach`"
            ))),
        }
    }
}

fn removed(name: &str) -> Error {
    Error::Ownership(format!("`{name}` was removed from the store after `attach`"))
}
