//! A clock that continues with another policy, model or program.

use crate::clock::{Clock, MigrateError};
use crate::ir::Program;
use crate::plan::Plan;

impl Clock {
    /// This clock, from now on with another plan and program.
    ///
    /// Time continues, and what happened so far stays. **Another policy** takes over after the
    /// last rule that has fired: up to there, both must have the same rules and the same
    /// `default`. A last rule that only stops may be changed or missing; then training continues.
    /// A condition that is the same in both policies keeps what it has observed; any other
    /// condition observes its metric from now on. Curves continue where they are; their fractions
    /// of the run follow the new `run`. A metric that only the new policy restores has its best
    /// value from now on, since no earlier weights were kept.
    ///
    /// With **another model**, the policy so far must have the same rules. Parameters are
    /// identified by their names, whatever their shapes; a new parameter has the options that the
    /// rules that have fired set, each applied once. All metrics have their best values from now
    /// on.
    ///
    /// With **another program**, its options apply from now on where the policy sets none. With
    /// another `steps_per_epoch`, curves and moments that are counted in epochs or parts of the run
    /// continue from the fraction that is done.
    ///
    /// # Errors
    /// If a rule that has fired or `default` differs, and if with the model the policy so far has
    /// other rules or does not fit.
    pub fn migrate(self, plan: Plan, program: Program) -> Result<Self, MigrateError> {
        let is_same_policy = self.plan().policy() == plan.policy();
        let clock = if self.plan().model() == plan.model() {
            self
        } else {
            let plan = self.plan().policy().plan(plan.model())?;
            self.onto_model(plan)?
        };
        let clock = clock.rescaled(program.steps_per_epoch);
        if is_same_policy {
            let plan = clock.plan().clone();
            return clock.onto_program(plan, program);
        }
        clock.onto_policy(plan, program)
    }
}
