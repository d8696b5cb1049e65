//! One owner: flags, groups and policy agree at each transition.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use freeze_dsl::clock::{Change, Group};
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
        self.audit_flags_say(|part| trained.get(part).copied().unwrap_or_default())
    }

    /// Checks that every part that trains is in exactly one group and no frozen one is in any,
    /// that a parameter has gradients where a part of it trains, and that each parameter has
    /// memory of its own, by storage and not by name.
    pub(super) fn audit(&self) -> Result<(), Error> {
        self.audit_groups(self.clock.groups())?;
        self.audit_flags_say(|part| self.clock.trains(part))?;
        self.audit_storage()?;
        self.audit_variables()
    }

    /// Checks that these groups have every part that trains once, and no other.
    fn audit_groups(&self, groups: &[Group]) -> Result<(), Error> {
        let mut groups_of = vec![0_usize; self.parts.count()];
        for part in groups.iter().flat_map(|group| &group.parts) {
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
        Ok(())
    }

    /// Checks that exactly those parameters have gradients of which some part trains.
    fn audit_flags_say(&self, trains: impl Fn(usize) -> bool) -> Result<(), Error> {
        for (index, (parameter, trains)) in self.parts.any(trains).enumerate() {
            let flag = parameter.requires_grad();
            if flag != trains {
                let should = if trains { "trains" } else { "is frozen" };
                return Err(Error::Ownership(format!(
                    "`{}` {should}, and its `requires_grad` is {flag}",
                    self.name(index)
                )));
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use freeze_dsl::clock::Group;
    use tch::{Device, Kind, Tensor, nn};

    use crate::{Error, Policy, Tuner};

    /// `a`, rows of `b`, and `c`, in two groups and frozen.
    fn tuner() -> (nn::VarStore, Tuner) {
        let store = nn::VarStore::new(Device::Cpu);
        for name in ["a", "b", "c"] {
            let _ = store.root().add(name, Tensor::ones([4], (Kind::Float, Device::Cpu)), true);
        }
        let policy = Policy::parse(
            "default lr 0.1 optimizer sgd; start: train a, rows 1..3 of b, set a lr 0.2",
        );
        let mut tuner = Tuner::builder(&policy.unwrap()).attach(&store).unwrap();
        tuner.start_epoch().unwrap();
        (store, tuner)
    }

    #[test]
    fn every_part_is_in_the_groups_that_the_policy_says() {
        type Change = fn(&mut Vec<Group>);
        let (_store, tuner) = tuner();
        let places: Vec<_> = tuner.clock.groups().iter().map(|group| group.parts.clone()).collect();
        assert_eq!(places, [[0], [2]]);
        let changes: [(Change, &str); 6] = [
            (
                |groups| groups[1].parts.push(0),
                "`a` is in 2 groups, and the policy says that it trains",
            ),
            (
                |groups| groups[0].parts.push(0),
                "`a` is in 2 groups, and the policy says that it trains",
            ),
            (
                |groups| groups[0].parts.push(4),
                "`c` is in 1 groups, and the policy says that it is frozen",
            ),
            (
                |groups| groups[1].parts.push(1),
                "`b[0..1]` is in 1 groups, and the policy says that it is frozen",
            ),
            (
                |groups| groups[1].parts.clear(),
                "`b[1..3]` is in 0 groups, and the policy says that it trains",
            ),
            (
                |groups| drop(groups.remove(0)),
                "`a` is in 0 groups, and the policy says that it trains",
            ),
        ];
        for (change, expected) in changes {
            let mut groups = tuner.clock.groups().to_vec();
            tuner.audit_groups(&groups).unwrap();
            change(&mut groups);
            let error = tuner.audit_groups(&groups).unwrap_err();
            assert!(matches!(&error, Error::Ownership(said) if said == expected), "{error}");
        }
    }

    #[test]
    fn every_flag_is_as_the_policy_says_after_a_transition_too() {
        for (name, flag) in [("a", false), ("b", false), ("c", true)] {
            let (store, tuner) = tuner();
            tuner.audit().unwrap();
            let _ = store.variables()[name].set_requires_grad(flag);
            let error = tuner.audit().unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
            assert!(error.ends_with(&format!("its `requires_grad` is {flag}")), "{error}");
        }
    }
}
