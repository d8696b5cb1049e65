//! One owner: flags, groups and policy agree at each transition.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use freeze_dsl::clock::Change;

use super::Tuner;
use crate::{Error, ffi};

impl Tuner {
    /// Checks, before a transition, that nobody but the tuner has set a flag since the last one.
    pub(super) fn audit_flags(&self, change: &Change) -> Result<(), Error> {
        let mut trained: Vec<bool> =
            (0..self.parameters.len()).map(|index| self.clock.trains(index)).collect();
        for index in change.unfrozen.iter().chain(&change.frozen) {
            if let Some(trained) = trained.get_mut(*index) {
                *trained = !*trained;
            }
        }
        for (index, (parameter, trained)) in self.parameters.iter().zip(trained).enumerate() {
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

    /// Checks that every parameter that trains is in exactly one group and no frozen one is in
    /// any, by storage and not by name.
    pub(super) fn audit(&self) -> Result<(), Error> {
        let mut groups_of = vec![0_usize; self.parameters.len()];
        for parameter in self.clock.groups().iter().flat_map(|group| &group.parts) {
            if let Some(count) = groups_of.get_mut(*parameter) {
                *count += 1;
            }
        }
        for (index, (parameter, groups)) in self.parameters.iter().zip(groups_of).enumerate() {
            let trains = self.clock.trains(index);
            if groups != usize::from(trains) || parameter.requires_grad() != trains {
                return Err(Error::Ownership(format!(
                    "`{}` is in {groups} groups, its `requires_grad` is {}, and the policy says \
                     that it {}",
                    self.name(index),
                    parameter.requires_grad(),
                    if trains { "trains" } else { "is frozen" },
                )));
            }
        }
        self.audit_storage()?;
        self.audit_variables()
    }

    /// Checks that no parameter is a function of others: it would never have a gradient.
    pub(super) fn audit_leaves(&self) -> Result<(), Error> {
        match self.parameters.iter().position(|parameter| !parameter.is_leaf()) {
            None => Ok(()),
            Some(index) => Err(Error::Ownership(format!(
                "`{}` is computed from other tensors, so that it cannot train: register a copy of \
                 it, as `.detach().copy()` makes one",
                self.name(index)
            ))),
        }
    }

    /// Checks that the store has no parameter that the policy does not know.
    fn audit_variables(&self) -> Result<(), Error> {
        let variables = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        let known: HashSet<&str> =
            self.clock.plan().model().tensors().iter().map(|tensor| tensor.name.as_str()).collect();
        let added = variables
            .named_variables
            .iter()
            .find(|(name, tensor)| tensor.requires_grad() && !known.contains(name.as_str()));
        match added {
            None => Ok(()),
            Some((name, _)) => Err(Error::Ownership(format!(
                "`{name}` was added after `attach`, so that no rule knows it"
            ))),
        }
    }

    /// Checks that no two parameters lie in one storage: one could move the other.
    fn audit_storage(&self) -> Result<(), Error> {
        let mut owners: HashMap<usize, usize> = HashMap::new();
        let identities = ffi::identities(&self.parameters.iter().collect())?;
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
