//! What a policy does: which rule fires when, and what trains after it.

mod actions;
mod clock;
mod curves;
mod first_example;
mod highest_rates;
mod metrics;
mod migrate;
mod moments;
mod picture;
mod recurring;
mod schedules;
mod simulating;
mod snapshot;
#[path = "../support/mod.rs"]
mod support;
mod track_orders;
mod tracks;
mod unfreezing;
