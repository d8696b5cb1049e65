//! Schedules that people use, written in the language, against the same schedules computed here
//! by closed formulas.

mod by_epoch;
mod by_metric;
mod by_step;
mod by_track;
mod by_value;
mod support;
