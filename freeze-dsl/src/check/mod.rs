//! The checks of meaning.

mod coarse_curves;
mod conflicts;
mod effects;
mod lost_updates;
mod missing_options;
mod ownership;
mod reorder;
mod rule_effects;
mod run_time;
mod schedule;
mod tied_parameters;
mod undone_rules;
mod unsteppable;

pub(crate) use effects::effects;
pub use lost_updates::{HighestRate, LostUpdates};
pub(crate) use ownership::ownership;
pub(crate) use schedule::schedule;
