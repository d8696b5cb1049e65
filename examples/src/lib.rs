//! Code that several examples share: data, training, comparisons, tables and charts.

pub mod chart;
pub mod comparison;
mod dataset;
mod description;
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
pub use description::check_description;
pub use folders::{file, output_folder, readable};
pub use policy::{exit_code, policy};
pub use pretrain::learn_first_half;
pub use progress::bar;
pub use spread::Spread;
pub use transformer::{Config, Transformer};
pub use weights::Weights;
