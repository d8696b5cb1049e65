//! Shared by everything that is written as JSON: a format version, and numbers that JSON lacks.

mod format;
mod real;

pub(crate) use format::{Format, read};
pub(crate) use real::{Real, from_optional_real, from_real, optional_real, real};
