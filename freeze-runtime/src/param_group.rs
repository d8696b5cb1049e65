//! Parameter groups as programs and logs see them.

use freeze_dsl::simulate::RecordGroup;
use freeze_dsl::{Optimizer, OptimizerNumber};

/// The parameters that are trained with the same learning rate, weight decay and optimizer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ParamGroup {
    /// Their names, in the model's order; a row slice as `embed.weight[0..32000]`.
    pub params: Vec<String>,
    /// Their learning rate.
    pub lr: f64,
    /// Their weight decay.
    pub weight_decay: f64,
    /// How strongly each step pulls them toward the values that they had when training began; 0
    /// for not at all.
    pub anchor: f64,
    /// Their optimizer, with the numbers in force.
    pub optimizer: Optimizer,
}

impl ParamGroup {
    /// The numbers and flags of the optimizer that are in force, by name.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{OptimizerNumber, Tuner, freeze_policy};
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let fc = tch::nn::linear(vs.root() / "fc", 2, 1, Default::default());
    /// let policy = freeze_policy! {
    ///     start: train fc lr 0.1 optimizer sgd(momentum linear 0.5 -> 0.9 over 4 steps)
    /// };
    /// let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// tuner.start_epoch()?;
    /// let momentum = tuner.param_groups()[0].optimizer_numbers()[0];
    /// assert_eq!(momentum, ("momentum", OptimizerNumber::Number(0.5)));
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn optimizer_numbers(&self) -> Vec<(&'static str, OptimizerNumber)> {
        self.optimizer.numbers()
    }
}

impl From<ParamGroup> for RecordGroup {
    fn from(group: ParamGroup) -> Self {
        let ParamGroup { params, lr, weight_decay, anchor, optimizer } = group;
        Self {
            params,
            lr: Some(lr),
            weight_decay: Some(weight_decay),
            anchor,
            optimizer: Some(optimizer),
        }
    }
}
