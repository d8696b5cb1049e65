//! The freeze language.
pub mod ast;
pub mod diagnostic;
mod optimizer;
pub mod parse;
pub mod source;
mod analysis;
mod check;
pub mod clock;
mod lower;
pub mod model;
pub mod plan;
pub mod policy;
mod select;
pub use analysis::{Analysis, analyze};
pub use optimizer::Optimizer;
