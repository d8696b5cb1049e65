//! What ends the phases of a schedule.

use super::phases::Phase;
use crate::import::lightning::Callbacks;
use crate::import::policy_text::{PolicyText, duration, metric, number};
use crate::import::yaml::Yaml;

/// The patience of Lightning's early stopping.
const PATIENCE: f64 = 3.0;

/// How phases end: by early stopping, by epochs or by either.
pub(super) struct Transitions {
    metric: String,
    is_falling: bool,
    /// `val_loss stops falling for 3 epochs`, unless epochs alone end phases.
    condition: Option<String>,
    /// `<` and a number: the training ends where the metric is beyond it.
    thresholds: Vec<(&'static str, f64)>,
}

impl Transitions {
    pub(super) fn new(callbacks: &Callbacks<'_>, text: &mut PolicyText) -> Result<Self, String> {
        let nothing = Yaml::Null;
        let given = callbacks.early_stopping;
        let stopping = given.unwrap_or(&nothing);
        let name = stopping.get("monitor").and_then(Yaml::text);
        let metric = metric(name.as_deref().unwrap_or("val_loss"));
        let is_falling = stopping.get("mode").and_then(Yaml::text).as_deref() != Some("max");
        let direction = if is_falling { "falling" } else { "rising" };
        let patience = stopping.number_of("patience")?.unwrap_or(PATIENCE).max(1.0);
        let delta = stopping.number_of("min_delta")?.unwrap_or(0.0).abs();
        let by = if delta > 0.0 { format!(" by {}", number(delta)) } else { String::new() };
        let epochs_only = callbacks.scheduler.flag("epoch_transitions_only", false);
        let length = duration(patience, "epoch");
        let condition = format!("{metric} stops {direction} for {length}{by}");
        if !epochs_only {
            if given.is_none() {
                text.note(format!(
                    "Early stopping ends phases. The file does not have it, so its defaults are used: \
                     `{condition}`. Write your metric, `patience` and `min_delta` instead."
                ));
            }
            text.note(format!(
                "The best value of {metric} counts from the start of each phase. \
                 finetuning-scheduler keeps the best of all phases."
            ));
        }
        let (better, worse) = if is_falling { ("<", ">") } else { (">", "<") };
        let mut thresholds = Vec::new();
        for (key, sign) in [("stopping_threshold", better), ("divergence_threshold", worse)] {
            thresholds.extend(stopping.number_of(key)?.map(|value| (sign, value)));
        }
        Ok(Self { metric, is_falling, condition: (!epochs_only).then_some(condition), thresholds })
    }

    /// The action that restores the best checkpoint, at the start of each later phase.
    pub(super) fn restore(
        &self,
        callbacks: &Callbacks<'_>,
        text: &mut PolicyText,
    ) -> Option<String> {
        if !callbacks.scheduler.flag("restore_best", true) {
            return None;
        }
        text.note(
            "`restore` drops the state of the optimizer; finetuning-scheduler restores that of the \
             best checkpoint as well.",
        );
        let checkpoint = callbacks.checkpoint;
        let of = |key: &str| checkpoint.and_then(|it| it.get(key)).and_then(Yaml::text);
        let metric = of("monitor").map_or_else(|| self.metric.clone(), |name| metric(&name));
        let is_lowest = match of("monitor") {
            Some(_) => of("mode").as_deref() != Some("max"),
            None => self.is_falling,
        };
        Some(format!("restore {} {metric}", if is_lowest { "lowest" } else { "highest" }))
    }

    /// The trigger of phase `number`, which ends the phase before it. `latest` is the latest epoch at
    /// which that has begun.
    pub(super) fn trigger(
        &self,
        number: usize,
        before: &Phase,
        latest: &mut i64,
        text: &mut PolicyText,
    ) -> Result<String, String> {
        let mut moments = Vec::new();
        moments.extend(self.condition.as_ref().map(|condition| format!("when {condition}")));
        match before.max_transition_epoch {
            Some(epoch) => {
                let first = if number == 1 { 0 } else { *latest + 1 };
                if epoch < first {
                    text.note(format!(
                        "`max_transition_epoch: {epoch}` of phase {} is past when that phase begins. \
                         It then lasts one epoch, so phase {number} begins at epoch {first}.",
                        number - 1
                    ));
                }
                *latest = epoch.max(first);
                moments.push(format!("epoch {latest}"));
            }
            None if self.condition.is_none() => {
                return Err(format!(
                    "phase {} has no `max_transition_epoch`, which `epoch_transitions_only` requires",
                    number - 1
                ));
            }
            None => *latest += 1,
        }
        Ok(moments.join(" or "))
    }

    /// The rule that ends the training after the last phase.
    pub(super) fn end(
        &self,
        phases: &[Phase],
        has_run: bool,
        text: &mut PolicyText,
    ) -> Option<String> {
        if let Some(epoch) = phases.last().and_then(|phase| phase.max_transition_epoch) {
            text.note(format!(
                "`max_transition_epoch: {epoch}` of the last phase ends nothing: the training ends \
                 after Lightning's `max_epochs`."
            ));
        }
        if self.condition.is_none() && !has_run {
            text.note(
                "The length of the training is Lightning's `max_epochs`: write it as `run 20 epochs`.",
            );
        }
        self.condition.as_ref().map(|condition| format!("when {condition} as end: stop"))
    }

    /// Writes the track that ends the training beyond a threshold.
    pub(super) fn thresholds(&self, text: &mut PolicyText) {
        if self.thresholds.is_empty() {
            return;
        }
        let moments: Vec<String> = self
            .thresholds
            .iter()
            .map(|(sign, value)| format!("when {} {sign} {}", self.metric, number(*value)))
            .collect();
        text.statement(format!("track early_stopping {{ {}: stop; }}", moments.join(" or ")));
    }
}
