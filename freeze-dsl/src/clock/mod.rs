//! The clock: which rule fires when, and what trains then. Pure: the same events give the
//! same answers, for ever.

mod change;
mod complete;
mod program;

pub use change::{Change, Fired};
pub use program::Program;

use fixedbitset::FixedBitSet;

use crate::optimizer::Optimizer;
use crate::plan::{Effect, Plan};
use crate::policy::{Length, Moment, Options};

/// Runs a plan. It is told when an epoch starts and when an optimizer step was made, and says
/// what fires then and what trains from then on.
#[derive(Debug, Clone)]
pub struct Clock {
    plan: Plan,
    program: Program,
    time: Time,
    /// Whether an epoch has started.
    started: bool,
    /// When the rule fired that fired last.
    previous: Time,
    /// The index of the rule that waits.
    next: usize,
    stopped: bool,
    trains: FixedBitSet,
    options: Vec<Options>,
    groups: Vec<Group>,
    live: FixedBitSet,
}

/// How much of the training is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Time {
    /// Epochs that are done.
    epochs: u64,
    /// Optimizer steps that are done.
    steps: u64,
}

/// Parameters that train with the same options at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The parameters, as indices of the model's parameters, in the model's order.
    pub parameters: Vec<usize>,
    /// Their learning rate; `None` where neither the policy nor the program gives one.
    pub lr: Option<f64>,
    /// Their weight decay; `None` where neither gives one nor an optimizer.
    pub weight_decay: Option<f64>,
    /// Their optimizer; `None` where neither gives one.
    pub optimizer: Option<Optimizer>,
}

impl Clock {
    /// A clock that stands before the first epoch.
    #[must_use]
    pub fn new(plan: Plan, program: Program) -> Self {
        let count = plan.model().parameters().len();
        let mut trains = FixedBitSet::with_capacity(count);
        trains.insert_range(..);
        let mut clock = Self {
            options: vec![*plan.policy().defaults(); count],
            live: FixedBitSet::with_capacity(plan.model().normalisations().len()),
            plan,
            program,
            time: Time::default(),
            started: false,
            previous: Time::default(),
            next: 0,
            stopped: false,
            trains,
            groups: Vec::new(),
        };
        clock.regroup();
        clock
    }

    /// Tells that an epoch starts; rules are looked at.
    pub fn start_epoch(&mut self) -> Change {
        if self.started {
            self.time.epochs += 1;
        }
        self.started = true;
        self.look()
    }

    /// Tells that an optimizer step was made; rules are looked at.
    pub fn end_step(&mut self) -> Change {
        self.time.steps += 1;
        self.look()
    }

    /// Fires every rule whose moment has come, in order.
    fn look(&mut self) -> Change {
        let mut change = Change::at(self.time.epochs, self.time.steps);
        if self.stopped || !self.is_due() {
            change.stopped = self.stopped;
            return change;
        }
        let before = self.clone_state();
        while !self.stopped && self.is_due() {
            self.fire(self.next, &mut change);
            self.previous = self.time;
            self.next += 1;
        }
        self.regroup();
        self.compare(before, &mut change);
        change
    }

    fn clone_state(&self) -> (FixedBitSet, Vec<Options>) {
        (self.trains.clone(), self.options.clone())
    }

    fn fire(&mut self, index: usize, change: &mut Change) {
        let Some(row) = self.plan.rows().get(index) else { return };
        change.fired.push(Fired { rule: index, name: row.rule.clone() });
        self.stopped |= row.stops;
        for Effect { parameter, trains, options, drops_state } in &row.effects {
            self.trains.set(*parameter, *trains);
            if let Some(known) = self.options.get_mut(*parameter) {
                *known = *options;
            }
            if *drops_state {
                change.dropped.push(*parameter);
            }
        }
    }

    /// What is other than before the rules fired.
    fn compare(&self, before: (FixedBitSet, Vec<Options>), change: &mut Change) {
        let (trained, options) = before;
        change.unfrozen = self.trains.difference(&trained).collect();
        change.frozen = trained.difference(&self.trains).collect();
        // Another optimizer begins with a state of its own.
        change.dropped.extend(trained.intersection(&self.trains).filter(|parameter| {
            let optimizer =
                |options: Option<&Options>| options.and_then(|given| self.program.optimizer(given));
            optimizer(options.get(*parameter)) != optimizer(self.options.get(*parameter))
        }));
        change.dropped.sort_unstable();
        change.dropped.dedup();
        change.stopped = self.stopped;
        change.summarize(&self.plan, &self.trains, &self.groups);
    }

    /// Whether the waiting rule's moment has come.
    fn is_due(&self) -> bool {
        let rule = self.plan.policy().rules().get(self.next);
        rule.is_some_and(|rule| rule.trigger.iter().any(|moment| self.has_come(moment.value)))
    }

    fn has_come(&self, moment: Moment) -> bool {
        match moment {
            Moment::Epoch(at) => self.time.epochs >= at,
            Moment::Step(at) => self.time.steps >= at,
            Moment::After(Length::Epochs(epochs)) => {
                self.time.epochs >= self.previous.epochs.saturating_add(epochs)
            }
            Moment::After(Length::Steps(steps)) => {
                self.time.steps >= self.previous.steps.saturating_add(steps)
            }
            Moment::AfterFraction(fraction) => {
                match (self.plan.policy().run(), self.program.steps_per_epoch) {
                    (Some(Length::Epochs(epochs)), Some(steps)) => {
                        let steps = part(fraction, epochs.saturating_mul(steps));
                        self.time.steps >= self.previous.steps.saturating_add(steps)
                    }
                    (Some(Length::Steps(steps)), _) => {
                        let steps = part(fraction, steps);
                        self.time.steps >= self.previous.steps.saturating_add(steps)
                    }
                    (Some(Length::Epochs(epochs)), None) => {
                        let epochs = part(fraction, epochs);
                        self.time.epochs >= self.previous.epochs.saturating_add(epochs)
                    }
                    // A checked policy has `run` where it has a percentage.
                    (None, _) => false,
                }
            }
        }
    }

    /// Reads the groups off the options, and which statistics are live.
    fn regroup(&mut self) {
        self.groups.clear();
        for parameter in self.trains.ones() {
            let Some(options) = self.options.get(parameter) else { continue };
            let lr = self.program.lr(options);
            let weight_decay = self.program.weight_decay(options);
            let optimizer = self.program.optimizer(options);
            let same = self.groups.iter_mut().find(|group| {
                group.lr == lr && group.weight_decay == weight_decay && group.optimizer == optimizer
            });
            match same {
                Some(group) => group.parameters.push(parameter),
                None => self.groups.push(Group {
                    parameters: vec![parameter],
                    lr,
                    weight_decay,
                    optimizer,
                }),
            }
        }
        for (index, module) in self.plan.model().normalisations().iter().enumerate() {
            let live = module.parameters.iter().any(|parameter| self.trains.contains(*parameter));
            self.live.set(index, live);
        }
    }

    /// The plan that it runs.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the program gives where the policy does not.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// How many epochs have started: also the number of the one that starts next.
    #[must_use]
    pub const fn epochs_started(&self) -> u64 {
        if self.started { self.time.epochs + 1 } else { 0 }
    }

    /// How many optimizer steps are done.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.time.steps
    }

    /// How many rules have fired; the next to fire has this index.
    #[must_use]
    pub const fn rules_fired(&self) -> usize {
        self.next
    }

    /// Whether a rule has ended the training.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether a parameter trains.
    #[must_use]
    pub fn trains(&self, parameter: usize) -> bool {
        self.trains.contains(parameter)
    }

    /// The parameters that train, in the model's order.
    pub fn trainable(&self) -> impl Iterator<Item = usize> + '_ {
        self.trains.ones()
    }

    /// What trains, in groups with the same options, in the order of their first parameters.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether the running statistics of a module (an index of the model's normalisations)
    /// follow the data.
    #[must_use]
    pub fn is_live(&self, normalisation: usize) -> bool {
        self.live.contains(normalisation)
    }
}

/// A part of a number of steps or epochs, rounded to the nearest.
fn part(fraction: f64, whole: u64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a checked policy's fraction is above zero and its run below 2^53"
    )]
    let part = (fraction * whole as f64).round() as u64;
    part
}
