//! The freeze language.
mod analysis;
pub mod ast;
mod check;
pub mod clock;
pub mod diagnostic;
mod lower;
pub mod model;
mod optimizer;
pub mod parse;
pub mod plan;
pub mod policy;
mod select;
pub mod source;
pub use analysis::{Analysis, analyze};
pub use optimizer::Optimizer;
