//! The state of training at one moment: a line of the simulation.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Clock;
use crate::ir::Optimizer;

/// The rules that fired, and the trainable parameters, at an optimizer step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// Epochs that are done.
    pub epoch: u64,
    /// Optimizer steps that are done; `None` if the number of steps in an epoch is unknown.
    pub step: Option<u64>,
    /// The rules that fired since the record before this one, in order.
    pub fired: Vec<String>,
    /// The trainable parameters, in the model's order; a row slice as `embed.weight[0..32000]`.
    pub trainable: Vec<String>,
    /// The trainable parameters, in groups with the same options, in the order of their first
    /// parameters.
    pub groups: Vec<RecordGroup>,
    /// The modules whose running statistics follow the data, in the model's order.
    pub live_stats: Vec<String>,
    /// Whether training is over, so that no step is made any more.
    pub stopped: bool,
}

/// Parameters that train with the same options at one moment, as a simulation and the log of a run
/// write them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordGroup {
    /// Their names, in the model's order.
    pub params: Vec<String>,
    /// Their learning rate; `None` if neither the policy nor the program sets one.
    pub lr: Option<f64>,
    /// Their weight decay; `None` if neither sets one or an optimizer.
    pub weight_decay: Option<f64>,
    /// Their optimizer; `None` if neither sets one. It is written by its name, and read back with
    /// `PyTorch`'s default constants.
    #[serde(serialize_with = "by_name", deserialize_with = "of_name")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub optimizer: Option<Optimizer>,
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn by_name<S: Serializer>(optimizer: &Option<Optimizer>, to: S) -> Result<S::Ok, S::Error> {
    optimizer.as_ref().map(Optimizer::name).serialize(to)
}

fn of_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Optimizer>, D::Error> {
    let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
    Optimizer::named(&name)
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("`{name}` is not an optimizer")))
}

impl Record {
    /// The state of a clock at this moment.
    pub(super) fn of(clock: &Clock, fired: Vec<String>) -> Self {
        let plan = clock.plan();
        let groups = clock.groups().iter().map(|group| RecordGroup {
            params: plan.names(group.slices.iter().copied()),
            lr: group.lr,
            weight_decay: group.weight_decay,
            optimizer: group.optimizer,
        });
        Self {
            epoch: clock.epochs_started().saturating_sub(1),
            step: clock.program().steps_per_epoch.map(|_| clock.steps()),
            fired,
            trainable: plan.names(clock.trainable()),
            groups: groups.collect(),
            live_stats: clock.live_stats().map(str::to_owned).collect(),
            stopped: clock.is_stopped(),
        }
    }
}
