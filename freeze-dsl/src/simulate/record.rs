//! The state of training at one moment: a line of the simulation.

use serde::{Deserialize, Serialize};

use super::OptimizerNumbers;
use crate::clock::{Clock, SliceGroup};
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
#[serde(try_from = "RecordGroupJson", into = "RecordGroupJson")]
pub struct RecordGroup {
    /// Their names, in the model's order.
    pub params: Vec<String>,
    /// Their learning rate; `None` if neither the policy nor the program sets one.
    pub lr: Option<f64>,
    /// Their weight decay; `None` if neither sets one or an optimizer.
    pub weight_decay: Option<f64>,
    /// How strongly each step pulls them toward the values that they had when training began; 0
    /// for not at all.
    pub anchor: f64,
    /// Their optimizer with the numbers in force; `None` if neither sets one.
    pub optimizer: Option<Optimizer>,
}

/// Parameters that train with the same options at one moment.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RecordGroup"))]
#[serde(deny_unknown_fields)]
struct RecordGroupJson {
    /// Their names, in the model's order.
    params: Vec<String>,
    /// Their learning rate; null if neither the policy nor the program sets one.
    lr: Option<f64>,
    /// Their weight decay; null if neither sets one or an optimizer.
    weight_decay: Option<f64>,
    /// How strongly each step pulls them toward the values that they had when training began, if it
    /// does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anchor: Option<f64>,
    /// Their optimizer; null if neither sets one.
    optimizer: Option<String>,
    /// The numbers and flags of the optimizer that are in force, by their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    optimizer_numbers: Option<OptimizerNumbers>,
}

impl From<RecordGroup> for RecordGroupJson {
    fn from(group: RecordGroup) -> Self {
        let RecordGroup { params, lr, weight_decay, anchor, optimizer } = group;
        Self {
            params,
            lr,
            weight_decay,
            anchor: Some(anchor).filter(|anchor| *anchor > 0.0),
            optimizer: optimizer.map(|optimizer| optimizer.name().to_owned()),
            optimizer_numbers: optimizer.as_ref().map(OptimizerNumbers::of),
        }
    }
}

impl TryFrom<RecordGroupJson> for RecordGroup {
    type Error = String;

    fn try_from(group: RecordGroupJson) -> Result<Self, String> {
        let RecordGroupJson { params, lr, weight_decay, anchor, optimizer, optimizer_numbers } =
            group;
        let named = |name: String| {
            Optimizer::named(&name).ok_or_else(|| format!("`{name}` is not an optimizer"))
        };
        let mut optimizer = optimizer.map(named).transpose()?;
        if let Some(numbers) = optimizer_numbers {
            let known = optimizer.ok_or_else(|| "numbers of no optimizer".to_owned())?;
            optimizer = Some(numbers.applied_to(&known)?);
        }
        Ok(Self { params, lr, weight_decay, anchor: anchor.unwrap_or_default(), optimizer })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RecordGroup {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RecordGroup".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        RecordGroupJson::json_schema(generator)
    }
}

impl Record {
    /// The state of a clock at this moment.
    pub(super) fn of(clock: &Clock, fired: Vec<String>) -> Self {
        let plan = clock.plan();
        let groups = clock.groups().iter().map(|group| {
            let SliceGroup { slices, lr, weight_decay, anchor, optimizer } = group;
            RecordGroup {
                params: plan.names(slices.iter().copied()),
                lr: *lr,
                weight_decay: *weight_decay,
                anchor: *anchor,
                optimizer: *optimizer,
            }
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
