//! One owner: flags, groups and policy agree at each transition.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use freeze_dsl::clock::Change;
use freeze_dsl::model::Role;
use tch::Tensor;

use super::Tuner;
use crate::Error;
use crate::ffi::{self, Identity};

impl Tuner {
    /// Checks, before a transition, that nobody but the tuner has set a flag since the last one.
    pub(super) fn audit_flags(&self, change: &Change) -> Result<(), Error> {
        let mut trained: Vec<bool> =
            (0..self.parts.count()).map(|part| self.clock.trains(part)).collect();
        for part in change.unfrozen.iter().chain(&change.frozen) {
            if let Some(trained) = trained.get_mut(*part) {
                *trained = !*trained;
            }
        }
        let trained = |part: usize| trained.get(part).copied().unwrap_or_default();
        for (index, (parameter, trained)) in self.parts.any(trained).enumerate() {
            let flag = parameter.requires_grad();
            if flag != trained {
                let should = if trained { "trains" } else { "is frozen" };
                return Err(Error::Ownership(format!(
                    "`{}` {should}, and its `requires_grad` is {flag}",
                    self.name(index)
                )));
            }
        }
        Ok(())
    }

    /// Checks that every part that trains is in exactly one group and no frozen one is in any,
    /// that a parameter has gradients where a part of it trains, and that each parameter has
    /// memory of its own, by storage and not by name.
    pub(super) fn audit(&self) -> Result<(), Error> {
        let mut groups_of = vec![0_usize; self.parts.count()];
        for part in self.clock.groups().iter().flat_map(|group| &group.parts) {
            if let Some(count) = groups_of.get_mut(*part) {
                *count += 1;
            }
        }
        for (part, groups) in groups_of.into_iter().enumerate() {
            let trains = self.clock.trains(part);
            if groups != usize::from(trains) {
                return Err(Error::Ownership(format!(
                    "`{}` is in {groups} groups, and the policy says that it {}",
                    self.clock.plan().part_name(part),
                    if trains { "trains" } else { "is frozen" },
                )));
            }
        }
        for (index, (parameter, trains)) in
            self.parts.any(|part| self.clock.trains(part)).enumerate()
        {
            if parameter.requires_grad() != trains {
                return Err(Error::Ownership(format!(
                    "`{}` {}, and its `requires_grad` cannot be set",
                    self.name(index),
                    if trains { "trains" } else { "is frozen" },
                )));
            }
        }
        self.audit_storage()?;
        self.audit_variables()
    }

    /// Checks that no parameter is a function of others: it would never have a gradient.
    pub(super) fn audit_leaves(&self) -> Result<(), Error> {
        match self.parts.parameters().iter().position(|parameter| !parameter.is_leaf()) {
            None => Ok(()),
            Some(index) => Err(Error::Ownership(format!(
                "`{}` is computed from other tensors, so that it cannot train: register a copy of \
                 it, as `.detach().copy()` makes one",
                self.name(index)
            ))),
        }
    }

    /// Checks that rows which a policy treats apart lie apart in memory.
    pub(super) fn audit_rows(&self) -> Result<(), Error> {
        let parameters = self.parts.parameters();
        let cut = self.clock.plan().parts().iter().filter(|part| part.rows.is_some());
        for index in cut.map(|part| part.parameter) {
            if parameters.get(index).is_some_and(overlaps_itself) {
                return Err(Error::Ownership(format!(
                    "numbers of `{}` share memory, so that its rows cannot be trained apart: \
                     register a copy of it, as `.copy()` makes one",
                    self.name(index)
                )));
            }
        }
        Ok(())
    }

    /// Checks that the store holds nothing that would have gradients and that no rule knows, by
    /// the tensors themselves and not by their names.
    fn audit_variables(&self) -> Result<(), Error> {
        let parameters = ffi::identities(&self.parts.parameters().iter().collect())?;
        let parameters: HashSet<Identity> = parameters.into_iter().collect();
        let variables = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        let flagged: Vec<(&String, &Tensor)> =
            variables.named_variables.iter().filter(|(_, tensor)| tensor.requires_grad()).collect();
        let identities = ffi::identities(&flagged.iter().map(|(_, tensor)| *tensor).collect())?;
        let strangers = flagged.into_iter().zip(identities);
        let strangers = strangers.filter(|(_, identity)| !parameters.contains(identity));
        let Some(name) = strangers.map(|((name, _), _)| name).min() else { return Ok(()) };
        let mut known = self.clock.plan().model().tensors().iter();
        let how = match known.find(|tensor| tensor.name == *name).map(|tensor| tensor.role) {
            None => "was added after `attach`, so that no rule knows it",
            Some(Role::Parameter) => "was replaced after `attach`, so that no rule knows it",
            Some(Role::Buffer) => "is no parameter, and its `requires_grad` is true",
        };
        Err(Error::Ownership(format!("`{name}` {how}")))
    }

    /// Checks that no two parameters lie in one storage: one could move the other.
    fn audit_storage(&self) -> Result<(), Error> {
        let mut owners: HashMap<usize, usize> = HashMap::new();
        let identities = ffi::identities(&self.parts.parameters().iter().collect())?;
        for (index, identity) in identities.iter().enumerate() {
            let Some(storage) = identity.storage() else { continue };
            if let Some(other) = owners.insert(storage, index) {
                return Err(Error::Ownership(format!(
                    "`{}` and `{}` share memory without being one tensor, so that one would move \
                     with the other",
                    self.name(other),
                    self.name(index)
                )));
            }
        }
        Ok(())
    }

    fn name(&self, parameter: usize) -> &str {
        let parameters = self.clock.plan().model().parameters();
        parameters.get(parameter).map_or("", |parameter| parameter.name.as_str())
    }
}

/// Whether two numbers of a tensor may lie at one place, as those of an expanded one do: unless
/// each dimension steps over all that the dimensions with smaller steps reach.
fn overlaps_itself(tensor: &Tensor) -> bool {
    let mut steps: Vec<(i64, i64)> =
        tensor.stride().into_iter().zip(tensor.size()).filter(|(_, size)| *size > 1).collect();
    steps.sort_unstable();
    let mut reach = 0;
    steps.into_iter().any(|(stride, size)| {
        let overlaps = stride <= reach;
        reach += stride * (size - 1);
        overlaps
    })
}
