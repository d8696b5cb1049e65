//! The freeze language: policies that say which parts of a neural network train, when, and how.
//!
//! ```
//! use freeze_dsl::clock::{Clock, Program};
//! use freeze_dsl::model::Model;
//! use freeze_dsl::policy::Policy;
//!
//! let model = Model::from_json(
//!     r#"{"format":1,"tensors":[
//!         {"name":"body.weight","shape":[8,8],"dtype":"f32","role":"parameter"},
//!         {"name":"head.weight","shape":[2,8],"dtype":"f32","role":"parameter"}]}"#,
//! )?;
//! let policy = Policy::parse("start: train head lr 1e-3; epoch 3: unfreeze body lr 1e-4")?;
//! let plan = policy.plan(&model)?;
//! assert_eq!(plan.rows()[0].trainable, 1);
//!
//! let mut clock = Clock::new(plan, Program::default());
//! for _ in 0..4 {
//!     clock.start_epoch();
//! }
//! assert_eq!(clock.groups().len(), 2);
//!
//! let findings = Policy::parse("start: train head lr 1e-3; epok 3: unfreeze body").unwrap_err();
//! assert_eq!(findings.diagnostics()[0].code.name(), "FRZ0102");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate is pure: it has no access to tensors, terminals or system time. A text becomes a
//! [tree](ast), the tree a checked [policy](policy::Policy), a policy and a [model](model::Model)
//! a [plan](plan::Plan), and a [clock](clock::Clock) runs the plan.

mod allow;
pub mod ast;
mod check;
pub mod clock;
mod compile;
pub mod diagnostic;
pub mod diff;
pub mod format;
pub mod ide;
mod index;
mod ir;
mod json;
mod lower;
pub mod model;
pub mod parse;
pub mod picture;
pub mod plan;
pub mod policy;
mod select;
pub mod simulate;
pub mod source;
pub mod text_file;
mod time;
pub mod vocabulary;

#[doc(hidden)]
pub use check::{HighestRate, LostUpdates};
pub use compile::{Checked, Draft, LoadError, OverrideError};
pub use ir::{Optimizer, OptimizerNumber, RunLength};
pub use lower::MAX_UNROLLED;
