//! The tuner: puts a policy to work on a model and owns the optimizer.

mod audit;
mod bests;
mod builder;
mod statistics;

use std::sync::{Arc, Mutex};

use freeze_dsl::Optimizer;
use freeze_dsl::clock::{Change, Clock};
use freeze_dsl::diagnostic::{Diagnostic, Severity};
use freeze_dsl::plan::Plan;
use tch::{Tensor, nn};

use bests::Bests;
pub use builder::{Builder, ProgramOptimizer};
use statistics::Statistics;

use crate::optim::{self, Hyper, Slot, State, gradients};
use crate::{Error, Policy};

/// Trains a model as a policy says.
///
/// It owns the optimizer: what is frozen has no gradient, no optimizer state and no place in a
/// step, and what trains is in exactly one group. Bind one with [`Tuner::builder`].
///
/// Rules are looked at when an epoch starts and after each step. Between these, the model is the
/// program's own to run.
pub struct Tuner {
    clock: Clock,
    /// The store's own list, in which a variable shows that is added later.
    variables: Arc<Mutex<nn::Variables>>,
    parameters: Vec<Tensor>,
    states: Vec<Option<State>>,
    statistics: Statistics,
    bests: Bests,
    /// Whether a graph from before the last transition may still bring gradients to parameters
    /// that were frozen since.
    expects_strays: bool,
}

/// Parameters that train with the same options at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'t> {
    /// Their names, in the model's order.
    pub parameters: Vec<&'t str>,
    /// Their learning rate.
    pub lr: f64,
    /// Their weight decay.
    pub weight_decay: f64,
    /// Their optimizer.
    pub optimizer: Optimizer,
}

impl Tuner {
    /// Begins to bind a policy to a model.
    pub fn builder(policy: &Policy) -> Builder<'_> {
        Builder::new(policy)
    }

    /// Starts the next epoch: rules fire whose moment has come.
    ///
    /// Once training is over, nothing happens any more.
    ///
    /// # Errors
    /// If the model was changed behind the tuner's back, or libtorch refuses.
    pub fn start_epoch(&mut self) -> Result<Change, Error> {
        self.statistics.put_back()?;
        let change = self.clock.start_epoch();
        self.apply(&change)?;
        Ok(change)
    }

    /// Lets everything step that trains and has a gradient, then fires rules whose moment has
    /// come.
    ///
    /// Once training is over, nothing happens any more.
    ///
    /// # Errors
    /// If no epoch has started yet, if the model was changed behind the tuner's back, or if
    /// libtorch refuses.
    pub fn step(&mut self) -> Result<Change, Error> {
        if self.clock.epochs_started() == 0 {
            return Err(Error::NotStarted);
        }
        self.statistics.put_back()?;
        self.drop_strays()?;
        if !self.clock.is_stopped() {
            self.step_groups()?;
        }
        let change = self.clock.end_step();
        self.apply(&change)?;
        Ok(change)
    }

    /// Zeroes gradients, runs the backward pass from `loss`, and steps.
    ///
    /// # Errors
    /// As for [`Tuner::step`].
    pub fn backward_step(&mut self, loss: &Tensor) -> Result<Change, Error> {
        self.zero_grad()?;
        loss.f_backward()?;
        self.step()
    }

    /// Lets go of the gradients of everything that trains, as `PyTorch`'s `zero_grad` does: a
    /// parameter that then takes no part in a loss does not step.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn zero_grad(&mut self) -> Result<(), Error> {
        self.statistics.put_back()?;
        Ok(gradients::zero(&self.training())?)
    }

    /// Tells a metric's value. Rules that wait for it are looked at when the next epoch starts or
    /// the next step was made.
    ///
    /// # Errors
    /// If libtorch refuses to copy the weights that a rule may restore.
    pub fn observe(&mut self, metric: &str, value: f64) -> Result<(), Error> {
        self.statistics.put_back()?;
        let observed = self.clock.observe(metric, value);
        Ok(self.bests.keep(metric, observed)?)
    }

    /// Scales the gradients of everything that trains together, so that their L2 norm is at most
    /// `max`, as [`torch.nn.utils.clip_grad_norm_`] does. Gives the norm that they had before.
    ///
    /// [`torch.nn.utils.clip_grad_norm_`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn clip_grad_norm(&mut self, max: f64) -> Result<f64, Error> {
        Ok(gradients::clip_norm(&self.training(), max)?)
    }

    /// Brings every element of the gradients of what trains into `-max..=max`.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn clip_grad_value(&mut self, max: f64) -> Result<(), Error> {
        Ok(gradients::clip_value(&self.training(), max)?)
    }

    /// What trains, in groups with the same options, in the order of their first parameters.
    #[must_use]
    pub fn groups(&self) -> Vec<Group<'_>> {
        let groups = self.clock.groups().iter();
        groups
            .filter_map(|group| {
                let Hyper { lr, weight_decay, optimizer } = hyper(group)?;
                let parameters = self.names(group.parts.iter().copied());
                Some(Group { parameters, lr, weight_decay, optimizer })
            })
            .collect()
    }

    /// The names of the parameters that train, in the model's order.
    #[must_use]
    pub fn trainable(&self) -> Vec<&str> {
        self.names(self.clock.trainable())
    }

    /// How many epochs have started. A loop `while tuner.epoch() < 10` runs ten epochs, numbered
    /// from 0 in the policy.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.clock.epochs_started()
    }

    /// How many optimizer steps were made.
    #[must_use]
    pub const fn global_step(&self) -> u64 {
        self.clock.steps()
    }

    /// How many rules have fired.
    #[must_use]
    pub const fn phase(&self) -> usize {
        self.clock.rules_fired()
    }

    /// Whether a rule has ended the training.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.clock.is_stopped()
    }

    /// The memory that optimizer state holds now, in bytes.
    #[must_use]
    pub fn optimizer_bytes(&self) -> usize {
        self.states.iter().flatten().map(State::bytes).sum()
    }

    /// What every rule does to each parameter.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        self.clock.plan()
    }

    /// What stops nothing and is likely not what was meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<&Diagnostic> {
        let found = self.clock.plan().warnings().iter();
        found.filter(|found| found.severity() == Severity::Warning).collect()
    }

    fn names(&self, parameters: impl Iterator<Item = usize>) -> Vec<&str> {
        let all = self.clock.plan().model().parameters();
        parameters.filter_map(|index| all.get(index)).map(|known| known.name.as_str()).collect()
    }

    fn training(&self) -> Vec<&Tensor> {
        self.clock.trainable().filter_map(|index| self.parameters.get(index)).collect()
    }

    fn frozen(&self) -> Vec<&Tensor> {
        let all = self.parameters.iter().enumerate();
        all.filter(|(index, _)| !self.clock.trains(*index)).map(|(_, tensor)| tensor).collect()
    }

    fn step_groups(&mut self) -> Result<(), Error> {
        let groups = self.clock.groups();
        let mut group_of = vec![None; self.parameters.len()];
        for (index, group) in groups.iter().enumerate() {
            for part in &group.parts {
                if let Some(of) = group_of.get_mut(*part) {
                    *of = Some(index);
                }
            }
        }
        let mut slots: Vec<Vec<Slot<'_>>> =
            groups.iter().map(|group| Vec::with_capacity(group.parts.len())).collect();
        for ((parameter, state), group) in
            self.parameters.iter().zip(&mut self.states).zip(group_of)
        {
            if let Some(slots) = group.and_then(|group| slots.get_mut(group)) {
                slots.push(Slot { parameter, state });
            }
        }
        for (group, slots) in groups.iter().zip(slots) {
            // `attach` saw to it that everything that ever trains has all of these.
            let hyper = hyper(group).ok_or(Error::NoOptimizer)?;
            optim::step(slots, &hyper)?;
        }
        Ok(())
    }

    /// Makes flags, gradients, optimizer state and statistics agree with the clock.
    fn apply(&mut self, change: &Change) -> Result<(), Error> {
        if change.is_empty() {
            return Ok(());
        }
        let flags = self.audit_flags(change);
        for index in &change.dropped {
            if let Some(state) = self.states.get_mut(*index) {
                *state = None;
            }
        }
        if self.bests.restore(change)? {
            self.statistics.release();
        }
        let touched = change.frozen.iter().chain(&change.unfrozen).chain(&change.interrupted);
        let touched: Vec<&Tensor> =
            touched.filter_map(|index| self.parameters.get(*index)).collect();
        // An unfrozen one may have one from an earlier time, which is no part of this one.
        gradients::zero(&touched)?;
        self.expects_strays |= !change.frozen.is_empty() || flags.is_err();
        self.settle()?;
        // Told once the policy is in force again: a program that goes on is safe.
        flags
    }

    /// Sets flags as the clock has them, and checks that they hold.
    fn settle(&mut self) -> Result<(), Error> {
        for (index, parameter) in self.parameters.iter().enumerate() {
            let trains = self.clock.trains(index);
            if parameter.requires_grad() != trains {
                let _same = parameter.f_set_requires_grad(trains)?;
            }
        }
        self.statistics.hold_or_free(&self.clock)?;
        self.audit()
    }

    /// A backward pass through a graph from before a transition brings gradients to what was
    /// frozen since. They cannot move anything, and here they go.
    fn drop_strays(&mut self) -> Result<(), Error> {
        if self.expects_strays {
            gradients::zero(&self.frozen())?;
            self.expects_strays = false;
        }
        Ok(())
    }
}

/// The options of a step; `None` where neither the policy nor the program gives one of them.
fn hyper(group: &freeze_dsl::clock::Group) -> Option<Hyper> {
    Some(Hyper { lr: group.lr?, weight_decay: group.weight_decay?, optimizer: group.optimizer? })
}
