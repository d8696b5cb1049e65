//! Learning rates that move only once an epoch.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{CurvePiece, LoweredAction, Period, RampShape, RunLength, ValueCurve};
use crate::plan::{BoundPolicy, Plan};
use crate::source::Spanned;
use crate::time::float;

impl Plan {
    /// The curves in epochs that stay at 0 for an epoch, or are shorter than one, because the number
    /// of steps in an epoch is unknown. None if it is known.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::{model::Model, policy::Policy};
    /// # let model = Model::from_json(r#"{"format":1,"tensors":[
    /// #   {"name":"fc.weight","shape":[2,2],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let policy = Policy::parse("start: train fc lr linear 0 -> 1e-3 over 2 epochs")?;
    /// let plan = policy.plan(&model)?;
    /// assert_eq!(plan.coarse_curves(None)[0].code.name(), "FRZ0507");
    /// assert!(plan.coarse_curves(Some(100)).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn coarse_curves(&self, steps_per_epoch: Option<u64>) -> Vec<Diagnostic> {
        if steps_per_epoch.is_some() {
            return Vec::new();
        }
        let mut found = self.bound().coarse_curves();
        found.retain(|finding| !self.allows(finding));
        found
    }
}

impl BoundPolicy {
    /// The curves in epochs that are too coarse while the number of steps in an epoch is unknown.
    pub(crate) fn coarse_curves(&self) -> Vec<Diagnostic> {
        let run = self.run.map(|run| run.value);
        let actions = self.rules.iter().flat_map(|rule| &rule.actions);
        let options = actions.filter_map(|action| match &action.value {
            LoweredAction::On { options, .. } => Some(options),
            _ => None,
        });
        let mut seen = HashSet::new();
        options
            .chain([&self.defaults])
            .filter_map(|options| Some((options.lr_curve()?, options.lr.as_ref()?.span)))
            .filter(|(_, place)| seen.insert(*place))
            .filter_map(|(curve, place)| coarse(&Spanned::new(curve.as_ref(), place), run))
            .collect()
    }
}

/// The finding for a curve that is too coarse in epochs.
fn coarse(curve: &Spanned<&ValueCurve>, run: Option<RunLength>) -> Option<Diagnostic> {
    let message = curve.value.pieces.iter().find_map(|piece| {
        let CurvePiece::Ramp { shape, from, over, .. } = piece else { return None };
        let epochs = epochs(*over, run)?;
        if *from == 0.0 && *shape != RampShape::Exp {
            Some("this learning rate stays at 0 for a whole epoch")
        } else if epochs < 1.0 {
            Some("this curve is shorter than an epoch, and moves once an epoch")
        } else {
            None
        }
    })?;
    Some(
        Diagnostic::new(Code::CoarseCurve, curve.span, message)
            .label("how many steps an epoch has is unknown here")
            .note(
                "give `steps_per_epoch` in the program, or `--steps-per-epoch` to the command, or \
                 count this curve in steps",
            ),
    )
}

/// A period in epochs, if it is counted in epochs.
fn epochs(period: Period, run: Option<RunLength>) -> Option<f64> {
    match (period, run) {
        (Period::Epochs(epochs), _) => Some(epochs),
        (Period::Fraction(part), Some(RunLength::Epochs(run))) => Some(part * float(run)),
        (Period::Rest, Some(RunLength::Epochs(run))) => Some(float(run)),
        _ => None,
    }
}
