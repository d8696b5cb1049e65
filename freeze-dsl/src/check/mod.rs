//! The checks of meaning.

mod conflicts;
mod effects;
mod missing_options;
mod run_time;
mod schedule;

pub(crate) use effects::effects;
pub(crate) use schedule::schedule;
