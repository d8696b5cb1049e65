//! Parameter groups as programs and logs see them.

use freeze_dsl::Optimizer;
use freeze_dsl::simulate::RecordGroup;

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
    /// Their optimizer.
    pub optimizer: Optimizer,
}

impl From<ParamGroup> for RecordGroup {
    fn from(group: ParamGroup) -> Self {
        let ParamGroup { params, lr, weight_decay, optimizer } = group;
        Self { params, lr: Some(lr), weight_decay: Some(weight_decay), optimizer: Some(optimizer) }
    }
}
