//! One owner: `requires_grad`, parameter groups and policy agree at each transition and
//! epoch start.

use std::collections::HashMap;

use freeze_dsl::clock::{self, SliceGroup};
use freeze_dsl::model::ParamId;
use freeze_dsl::plan::SliceId;
use tch::Tensor;

use super::Tuner;
use crate::Error;
use crate::ffi;

impl Tuner {
    /// Checks, before a transition, that only the tuner has set `requires_grad` since the last one.
    pub(super) fn audit_flags(&self, change: &clock::Transition) -> Result<(), Error> {
        let mut trained: Vec<bool> =
            self.plan().slice_ids().map(|slice| self.clock.trains(slice)).collect();
        for slice in change.unfrozen.iter().chain(&change.frozen) {
            if let Some(trained) = trained.get_mut(slice.index()) {
                *trained = !*trained;
            }
        }
        self.audit_requires_grad(|slice| trained.get(slice.index()).copied().unwrap_or_default())
    }

    /// Checks that each trainable slice is in exactly one group and no frozen one is in any, that a
    /// parameter requires gradients if one of its slices is trained, and that each parameter has
    /// memory of its own, by storage and not by name.
    pub(super) fn audit(&self) -> Result<(), Error> {
        self.audit_groups(self.clock.groups())?;
        self.audit_requires_grad(|slice| self.clock.trains(slice))?;
        self.audit_storage()?;
        self.store.audit(self.plan().model())
    }

    /// Checks that these groups have each trainable slice once, and no other.
    fn audit_groups(&self, groups: &[SliceGroup]) -> Result<(), Error> {
        let mut groups_of = vec![0_usize; self.slices.count()];
        for slice in groups.iter().flat_map(|group| &group.slices) {
            if let Some(count) = groups_of.get_mut(slice.index()) {
                *count += 1;
            }
        }
        for (slice, groups) in self.plan().slice_ids().zip(groups_of) {
            let trains = self.clock.trains(slice);
            if groups != usize::from(trains) {
                return Err(Error::Ownership(format!(
                    "`{}` is in {groups} groups, and by the policy it {}",
                    self.clock.plan().slice_name(slice),
                    if trains { "is trained" } else { "is frozen" },
                )));
            }
        }
        Ok(())
    }

    /// Checks that exactly those parameters require gradients of which a slice is trained.
    fn audit_requires_grad(&self, trains: impl Fn(SliceId) -> bool) -> Result<(), Error> {
        for (index, (parameter, trains)) in self.slices.any(trains).enumerate() {
            let flag = parameter.requires_grad();
            if flag != trains {
                let should = if trains { "is trained" } else { "is frozen" };
                return Err(Error::Ownership(format!(
                    "`{}` {should}, and its `requires_grad` is {flag}",
                    self.name(ParamId::new(index))
                )));
            }
        }
        Ok(())
    }

    /// Checks that no parameter is computed from other tensors: it would never have a gradient.
    pub(super) fn audit_leaves(&self) -> Result<(), Error> {
        match self.slices.parameters().iter().position(|parameter| !parameter.is_leaf()) {
            None => Ok(()),
            Some(index) => Err(Error::Ownership(format!(
                "`{}` is computed from other tensors, so that it cannot be trained: register a copy of \
                 it, as `.detach().copy()` makes one",
                self.name(ParamId::new(index))
            ))),
        }
    }

    /// Checks that no two row slices of a parameter share memory.
    pub(super) fn audit_rows(&self) -> Result<(), Error> {
        let parameters = self.slices.parameters();
        let cut = self.clock.plan().slices().iter().filter(|slice| slice.rows.is_some());
        for parameter in cut.map(|slice| slice.parameter) {
            if parameters.get(parameter.index()).is_some_and(overlaps_itself) {
                return Err(Error::Ownership(format!(
                    "elements of `{}` share memory, so that its rows cannot be trained separately: \
                     register a copy of it, as `.copy()` makes one",
                    self.name(parameter)
                )));
            }
        }
        Ok(())
    }

    /// Checks that no two parameters share a storage: a step of one would change the other.
    pub(super) fn audit_storage(&self) -> Result<(), Error> {
        let mut owners: HashMap<usize, ParamId> = HashMap::new();
        let identities = ffi::identities(&self.slices.parameters().iter().collect())?;
        for (index, identity) in identities.iter().enumerate() {
            let Some(storage) = identity.storage() else { continue };
            let parameter = ParamId::new(index);
            if let Some(other) = owners.insert(storage, parameter) {
                return Err(Error::Ownership(format!(
                    "`{}` and `{}` share memory without being one tensor, so that a step of one would \
                     change the other",
                    self.name(other),
                    self.name(parameter)
                )));
            }
        }
        Ok(())
    }

    fn name(&self, parameter: ParamId) -> &str {
        let parameters = self.clock.plan().model().parameters();
        parameters.get(parameter.index()).map_or("", |parameter| parameter.name.as_str())
    }
}

/// Whether two elements of a tensor may share memory, as those of an expanded one do: unless each
/// stride is larger than the extent of all dimensions with smaller strides.
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
    use freeze_dsl::clock::SliceGroup;
    use freeze_dsl::plan::SliceId;
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
    fn every_slice_is_in_the_groups_that_the_policy_says() {
        type Edit = fn(&mut Vec<SliceGroup>);
        let (_store, tuner) = tuner();
        let places: Vec<_> =
            tuner.clock.groups().iter().map(|group| group.slices.clone()).collect();
        assert_eq!(places, [[SliceId::new(0)], [SliceId::new(2)]]);
        let edits: [(Edit, &str); 6] = [
            (
                |groups| groups[1].slices.push(SliceId::new(0)),
                "`a` is in 2 groups, and by the policy it is trained",
            ),
            (
                |groups| groups[0].slices.push(SliceId::new(0)),
                "`a` is in 2 groups, and by the policy it is trained",
            ),
            (
                |groups| groups[0].slices.push(SliceId::new(4)),
                "`c` is in 1 groups, and by the policy it is frozen",
            ),
            (
                |groups| groups[1].slices.push(SliceId::new(1)),
                "`b[0..1]` is in 1 groups, and by the policy it is frozen",
            ),
            (
                |groups| groups[1].slices.clear(),
                "`b[1..3]` is in 0 groups, and by the policy it is trained",
            ),
            (
                |groups| drop(groups.remove(0)),
                "`a` is in 0 groups, and by the policy it is trained",
            ),
        ];
        for (edit, expected) in edits {
            let mut groups = tuner.clock.groups().to_vec();
            tuner.audit_groups(&groups).unwrap();
            edit(&mut groups);
            let error = tuner.audit_groups(&groups).unwrap_err();
            assert!(matches!(&error, Error::Ownership(said) if said == expected), "{error}");
        }
    }

    #[test]
    fn requires_grad_agrees_with_the_policy_after_a_transition_too() {
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
