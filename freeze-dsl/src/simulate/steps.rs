//! Whether a policy counts optimizer steps.

use crate::ir::RunLength;
use crate::ir::{
    CurvePiece, LoweredAction, MetricCondition, MetricTest, ParamOptions, Period, TriggerMoment,
    ValueCurve,
};
use crate::plan::BoundPolicy;

/// Whether anything depends on how many steps are made: without their number it would never
/// happen, and the simulation would be wrong in silence.
pub(super) fn are_counted(bound: &BoundPolicy) -> bool {
    bound.run.is_some_and(|run| matches!(run.value, RunLength::Steps(_)))
        || of_options(&bound.defaults)
        || bound.rules.iter().any(|rule| {
            rule.trigger.iter().any(|moment| of_moment(&moment.value))
                || rule.actions.iter().any(|action| match &action.value {
                    LoweredAction::On { options, .. } => of_options(options),
                    LoweredAction::Reset(_)
                    | LoweredAction::Restore { .. }
                    | LoweredAction::Stop => false,
                })
        })
}

fn of_moment(moment: &TriggerMoment) -> bool {
    match moment {
        TriggerMoment::Step(at) => *at > 0,
        TriggerMoment::After(period) | TriggerMoment::Every(period) => of_period(*period),
        TriggerMoment::When(conditions) | TriggerMoment::Whenever(conditions) => {
            conditions.iter().any(of_condition)
        }
        TriggerMoment::Epoch(_) | TriggerMoment::At(_) => false,
    }
}

fn of_condition(condition: &MetricCondition) -> bool {
    match condition.test {
        MetricTest::Stops { patience, .. } => of_period(patience),
        MetricTest::Compares { lasting, .. } => lasting.is_some_and(of_period),
    }
}

fn of_options(options: &ParamOptions) -> bool {
    options.curves().any(|(_, curve)| of_curve(curve))
}

fn of_curve(curve: &ValueCurve) -> bool {
    curve.pieces.iter().any(|piece| match *piece {
        CurvePiece::Hold(_) => false,
        CurvePiece::Ramp { over: period, .. }
        | CurvePiece::InverseSqrt { over: period, .. }
        | CurvePiece::Staircase { every: period, .. } => of_period(period),
    })
}

const fn of_period(period: Period) -> bool {
    matches!(period, Period::Steps(_))
}
