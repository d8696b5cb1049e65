//! What everything shares that is written as JSON: a format version, and numbers of which JSON
//! has none.

mod format;
mod real;

pub(crate) use format::{Format, read};
pub(crate) use real::{Real, from_optional_real, from_real, optional_real, real};
