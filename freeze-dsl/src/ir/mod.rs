//! The intermediate representation: a policy whose names are resolved, whose loops are unrolled
//! and whose numbers are evaluated. Data alone; only the state of the training is still missing.

mod curve;
mod duration;
mod loop_trace;
mod optimizer;
mod optimizer_memory;
mod optimizer_numbers;
mod optimizer_slots;
mod options;
mod overrides;
mod program;
mod rule;
mod sequence;
mod trigger;

pub use duration::RunLength;
pub use optimizer::Optimizer;
pub use optimizer_numbers::OptimizerNumber;
pub use program::Program;

pub(crate) use curve::{CurvePiece, RampShape, ValueCurve};
pub(crate) use duration::Period;
pub(crate) use loop_trace::LoopTrace;
pub(crate) use optimizer_slots::{ArgumentSlot, ValidRange};
pub(crate) use options::{CurveUse, LrOption, LrTimes, ParamOptions, ScheduledOptimizer};
pub(crate) use overrides::Overrides;
pub(crate) use rule::{LoweredAction, LoweredPolicy, LoweredRule};
pub(crate) use sequence::{Ownership, Sequence};
pub(crate) use trigger::{Margin, MetricCondition, MetricTest, TriggerMoment};
