//! Findings that show only when training runs or is simulated.

use crate::ast::{Action, Item, List, Metric, Moment, Rule};
use crate::diagnostic::{Code, Diagnostic, nearest, quoted};
use crate::ir::TriggerMoment;
use crate::plan::Plan;
use crate::source::{Span, Spanned};

impl Plan {
    /// The finding that an epoch ended without an observation of `metric`, for which a rule waits;
    /// `observed` are the metrics that were observed so far.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::{model::Model, policy::Policy};
    /// # let model = Model::from_json(r#"{"format":1,"tensors":[
    /// #   {"name":"fc.weight","shape":[2,2],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let plan = Policy::parse("when val_loss < 0.5: train fc lr 1e-3")?.plan(&model)?;
    /// let finding = plan.unobserved_metric("val_loss", &["val_los"]);
    /// assert_eq!(finding.message, "an epoch ended and `val_loss` was not observed");
    /// assert_eq!(finding.notes[0], "`val_los` was observed: one of the two names may be misspelt");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unobserved_metric(&self, metric: &str, observed: &[&str]) -> Diagnostic {
        let place = place_of(metric, &self.policy().tree().items);
        // The names in one that the runtime observes are resolved, so it is not written like that.
        let rules = self.bound().rules.iter();
        let mut moments = rules.flat_map(|rule| rule.trigger.value.iter());
        let waits = |moment: &&Spanned<TriggerMoment>| {
            moment.value.conditions().iter().any(|condition| condition.metric == metric)
        };
        let place = place.or_else(|| moments.find(waits).map(|moment| moment.span));
        let message = format!("an epoch ended and {} was not observed", quoted(metric));
        let finding =
            Diagnostic::new(Code::UnobservedMetric, place.unwrap_or(self.first_place()), message)
                .label("a rule waits for this metric");
        let names: Vec<String> = observed.iter().map(|name| quoted(name)).collect();
        match (nearest(metric, observed.iter().copied()), names.as_slice()) {
            (Some(near), _) => {
                let near = quoted(near);
                finding.note(format!("{near} was observed: one of the two names may be misspelt"))
            }
            (None, []) => finding.note("no metric was observed"),
            (None, [only]) => finding.note(format!("only {only} was observed")),
            (None, many) => finding.note(format!("the observed metrics are {}", many.join(", "))),
        }
    }

    /// The finding that `epoch` had `made` optimizer steps where the program announced `announced`.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::{model::Model, policy::Policy};
    /// # let model = Model::from_json(r#"{"format":1,"tensors":[
    /// #   {"name":"fc.weight","shape":[2,2],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let plan = Policy::parse("start: train fc lr 1e-3")?.plan(&model)?;
    /// let finding = plan.steps_differ(0, 4, 5);
    /// assert_eq!(finding.message, "epoch 0 had 5 optimizer steps, and `steps_per_epoch` is 4");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn steps_differ(&self, epoch: u64, announced: u64, made: u64) -> Diagnostic {
        let steps = if made == 1 { "step" } else { "steps" };
        let message = format!(
            "epoch {epoch} had {made} optimizer {steps}, and `steps_per_epoch` is {announced}"
        );
        Diagnostic::new(Code::StepsDiffer, self.first_place(), message)
            .label("percentages and curves in epochs are converted to steps with that number")
            .note(format!("if every epoch is like this one, write `steps_per_epoch({made})`"))
    }

    /// The finding that `epoch` ended with accumulated gradients that no step used.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::{model::Model, policy::Policy};
    /// # let model = Model::from_json(r#"{"format":1,"tensors":[
    /// #   {"name":"fc.weight","shape":[2,2],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let plan = Policy::parse("start: train fc lr 1e-3")?.plan(&model)?;
    /// let finding = plan.accumulation_left_over(0);
    /// assert_eq!(finding.message, "epoch 0 ended with gradients that no step used");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn accumulation_left_over(&self, epoch: u64) -> Diagnostic {
        let message = format!("epoch {epoch} ended with gradients that no step used");
        Diagnostic::new(Code::StepsDiffer, self.first_place(), message)
            .label("the next step uses them, or `zero_grad` drops them")
            .note("call `step` after the last batch of an epoch")
    }

    /// The trigger of the first rule.
    fn first_place(&self) -> Span {
        let first = self.bound().rules.first();
        first.map_or(Span::new(0, 0), |rule| rule.trigger.span)
    }
}

/// The first place where a rule waits for a metric, or restores its best moment.
fn place_of(metric: &str, items: &List<Spanned<Item>>) -> Option<Span> {
    items.iter().find_map(|item| match &item.value {
        Item::Rule(rule) => place_in(metric, rule),
        Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } => {
            place_of(metric, body)
        }
        _ => None,
    })
}

/// Whether it is the metric of this name.
fn is_metric(metric: &Metric, name: &str) -> bool {
    matches!(metric, Metric::Named(own) if own == name)
}

fn place_in(metric: &str, rule: &Rule) -> Option<Span> {
    let watched = rule.trigger.iter().find_map(|moment| match &moment.value {
        Moment::When(conditions) | Moment::Whenever(conditions) => {
            conditions.iter().find_map(|condition| {
                is_metric(&condition.metric.value, metric).then_some(condition.metric.span)
            })
        }
        _ => None,
    });
    watched.or_else(|| place_in_actions(metric, &rule.actions))
}

fn place_in_actions(metric: &str, actions: &List<Spanned<Action>>) -> Option<Span> {
    actions.iter().find_map(|action| match &action.value {
        Action::Restore { metric: own, .. } if is_metric(&own.value, metric) => Some(own.span),
        Action::For { body, .. } => place_in_actions(metric, body),
        _ => None,
    })
}
