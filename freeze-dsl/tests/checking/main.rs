//! What is found in a policy, how it is said, and what is offered instead.

mod allowing;
mod computed_numbers;
mod findings;
mod meant_paths;
mod option_values;
mod pages;
mod random_slips;
mod rendering;
mod slips;
mod suggestions;
#[path = "../support/mod.rs"]
mod support;
mod track_findings;
