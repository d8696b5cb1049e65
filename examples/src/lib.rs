//! What the examples share: data to learn from, and ways to show what came of it.

pub mod chart;
mod dataset;
mod folders;
mod spread;
pub mod table;

pub use dataset::Dataset;
pub use folders::{output_folder, readable};
pub use spread::Spread;
