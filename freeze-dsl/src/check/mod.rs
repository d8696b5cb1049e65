//! The checks of meaning.

mod conflicts;
mod effects;
mod missing_options;
mod schedule;

pub(crate) use effects::effects;
pub(crate) use schedule::schedule;
