//! What the examples share: data to learn from, and ways to show what came of it.

pub mod chart;
pub mod comparison;
mod dataset;
pub mod digits;
mod folders;
mod policy;
mod pretrain;
mod progress;
mod spread;
pub mod table;
mod transformer;
pub mod weights;

pub use dataset::Dataset;
pub use folders::{file, output_folder, readable};
pub use policy::{exit_code, policy};
pub use pretrain::learn_first_half;
pub use progress::bar;
pub use spread::Spread;
pub use transformer::{Config, Transformer};
pub use weights::Weights;
