//! The intermediate representation: a policy whose names are resolved, whose loops are unrolled
//! and whose numbers are evaluated. Data alone; only the state of the training is still missing.

mod curve;
mod duration;
mod loop_trace;
mod optimizer;
mod optimizer_slots;
mod options;
mod overrides;
mod program;
mod rule;
mod trigger;

pub use duration::RunLength;
pub use optimizer::Optimizer;
pub use program::Program;

pub(crate) use curve::{LrCurve, LrPiece};
pub(crate) use duration::Period;
pub(crate) use loop_trace::LoopTrace;
pub(crate) use optimizer_slots::{ArgumentSlot, ValidRange};
pub(crate) use options::ParamOptions;
pub(crate) use overrides::Overrides;
pub(crate) use rule::{LoweredAction, LoweredPolicy, LoweredRule};
pub(crate) use trigger::{MetricCondition, MetricTest, TriggerMoment};
