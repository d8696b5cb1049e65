//! Schedules that people use, written in the language, against the same schedules computed here
//! by closed formulas.

#[path = "schedules/by_epoch.rs"]
mod by_epoch;
#[path = "schedules/by_metric.rs"]
mod by_metric;
#[path = "schedules/by_step.rs"]
mod by_step;
#[path = "schedules/by_track.rs"]
mod by_track;
#[path = "schedules/by_value.rs"]
mod by_value;
#[path = "schedules/support.rs"]
mod support;
