//! Whether a policy counts optimizer steps.

use crate::plan::Bound;
use crate::policy::Length;
use crate::rule::{Action, Condition, Curve, Moment, Options, Period, Piece, Test};

/// Whether anything depends on how many steps are made: without their number it would never
/// happen, and the simulation would be wrong in silence.
pub(super) fn are_counted(bound: &Bound) -> bool {
    bound.run.is_some_and(|run| matches!(run.value, Length::Steps(_)))
        || of_options(&bound.defaults)
        || bound.rules.iter().any(|rule| {
            rule.trigger.iter().any(|moment| of_moment(&moment.value))
                || rule.actions.iter().any(|action| match &action.value {
                    Action::On { options, .. } => of_options(options),
                    Action::Reset(_) | Action::Restore { .. } | Action::Stop => false,
                })
        })
}

fn of_moment(moment: &Moment) -> bool {
    match moment {
        Moment::Step(at) => *at > 0,
        Moment::After(period) | Moment::Every(period) => of_period(*period),
        Moment::When(conditions) => conditions.iter().any(of_condition),
        Moment::Epoch(_) | Moment::At(_) => false,
    }
}

fn of_condition(condition: &Condition) -> bool {
    match condition.test {
        Test::Stops { patience, .. } => of_period(patience),
        Test::Compares { lasting, .. } => lasting.is_some_and(of_period),
    }
}

fn of_options(options: &Options) -> bool {
    options.lr.as_ref().is_some_and(|lr| of_curve(&lr.value))
}

fn of_curve(curve: &Curve) -> bool {
    curve.pieces.iter().any(|piece| match *piece {
        Piece::Hold(_) => false,
        Piece::Ramp { over: period, .. } | Piece::Staircase { every: period, .. } => {
            of_period(period)
        }
    })
}

const fn of_period(period: Period) -> bool {
    matches!(period, Period::Steps(_))
}
