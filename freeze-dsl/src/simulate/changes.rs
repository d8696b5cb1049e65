//! What differs between two moments of training, where groups keep their parameters.

use serde::{Deserialize, Serialize};

use super::{OptimizerNumbers, Record, RecordGroup};

/// The numbers of a group that differ from those of the moment before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupChange {
    /// The group's index in `groups`.
    pub group: usize,
    /// Its learning rate, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// Its weight decay, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Its anchor, if that changed; 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<f64>,
    /// The numbers of its optimizer that changed, if any did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer_numbers: Option<OptimizerNumbers>,
}

impl GroupChange {
    /// The changes from some groups to those of a later moment; `None` if these have other
    /// parameters or optimizers, or lack a number that was set.
    #[must_use]
    pub fn between(before: &[RecordGroup], now: &[RecordGroup]) -> Option<Vec<Self>> {
        if before.len() != now.len() {
            return None;
        }
        let mut changes = Vec::new();
        for (group, (before, now)) in before.iter().zip(now).enumerate() {
            let optimizer = |of: &RecordGroup| of.optimizer.map(|optimizer| optimizer.name());
            let is_unset =
                |before: Option<f64>, now: Option<f64>| before.is_some() && now.is_none();
            if before.params != now.params
                || optimizer(before) != optimizer(now)
                || is_unset(before.lr, now.lr)
                || is_unset(before.weight_decay, now.weight_decay)
            {
                return None;
            }
            let differing = |before: Option<f64>, now: Option<f64>| now.filter(|_| now != before);
            let (lr, weight_decay) =
                (differing(before.lr, now.lr), differing(before.weight_decay, now.weight_decay));
            let anchor = differing(Some(before.anchor), Some(now.anchor));
            let numbers = before.optimizer.as_ref().zip(now.optimizer.as_ref());
            let numbers = numbers.map(|(before, now)| OptimizerNumbers::changed(before, now));
            let optimizer_numbers = numbers.filter(|numbers| !numbers.0.is_empty());
            let change = Self { group, lr, weight_decay, anchor, optimizer_numbers };
            if change != (Self { group, ..Self::default() }) {
                changes.push(change);
            }
        }
        Some(changes)
    }
}

/// A [`Record`] as its difference from the one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordChanges {
    /// Epochs that are done.
    pub epoch: u64,
    /// Optimizer steps that are done; `None` if the number of steps in an epoch is unknown.
    pub step: Option<u64>,
    /// The groups whose numbers changed.
    pub changed: Vec<GroupChange>,
}

impl Record {
    /// How the record differs from an earlier one; `None` if rules fired in between, or if more than
    /// numbers of groups changed.
    ///
    /// # Examples
    /// ```
    /// use freeze_dsl::{model::Model, policy::Policy, simulate};
    ///
    /// let model = Model::from_json(
    ///     r#"{"format":1,"tensors":[{"name":"fc.weight","shape":[8],"dtype":"f32","role":"parameter"}]}"#,
    /// )?;
    /// let policy = Policy::parse("run 2 epochs; start: train fc lr 1e-3 times 0.5 every 1 epoch")?;
    /// let records: Vec<_> = simulate::simulate(policy.plan(&model)?, Default::default())?.collect();
    /// let changes = records[1].changes_since(&records[0]).expect("nothing fired in between");
    /// assert_eq!(changes.changed[0].lr, Some(5e-4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Option<RecordChanges> {
        let is_same = self.fired.is_empty()
            && self.trainable == before.trainable
            && self.live_stats == before.live_stats
            && self.stopped == before.stopped;
        let changed = GroupChange::between(&before.groups, &self.groups).filter(|_| is_same)?;
        Some(RecordChanges { epoch: self.epoch, step: self.step, changed })
    }
}
