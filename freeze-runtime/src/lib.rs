//! Puts freeze policies to work on `tch` models.
//!
//! ```
//! use freeze_runtime::{Tuner, freeze_policy};
//! use tch::nn::Module;
//! use tch::{Device, Kind, Tensor, nn};
//!
//! let policy = freeze_policy! {
//!     start: train head lr 1e-2;
//!     epoch 2: unfreeze body lr 1e-3;
//! };
//!
//! let vs = nn::VarStore::new(Device::cuda_if_available());
//! let body = nn::linear(vs.root() / "body", 4, 8, nn::LinearConfig::default());
//! let head = nn::linear(vs.root() / "head", 8, 2, nn::LinearConfig::default());
//! let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(&vs)?;
//!
//! let x = Tensor::randn([16, 4], (Kind::Float, vs.device()));
//! while tuner.epoch() < 4 && !tuner.stopped() {
//!     println!("{}", tuner.start_epoch()?);
//!     let loss = head.forward(&body.forward(&x).relu()).square().mean(Kind::Float);
//!     tuner.backward_step(&loss)?;
//! }
//! assert_eq!(tuner.trainable(), ["body.bias", "body.weight", "head.bias", "head.weight"]);
//! # Ok::<(), freeze_runtime::Error>(())
//! ```
//!
//! # What it promises
//!
//! 1. **Bit-identical.** A frozen parameter, a frozen row and a held running statistic have the same
//!    bits at any two moments between which no rule touched them.
//! 2. **One owner.** Each parameter that trains is in exactly one group, and no frozen one is in
//!    any. The tuner checks this at each transition. A step that cannot be made for one parameter is
//!    made for none.
//! 3. **`PyTorch`'s arithmetic.** Where nothing freezes, a run equals the same run of `PyTorch`'s
//!    optimizers within float32 rounding.
//! 4. **Nothing is lost.** A run that is saved after any step and resumed gives the bits of the run
//!    that went on; a crash at any moment of a save leaves a checkpoint that loads.
//! 5. **Frozen costs nothing.** No optimizer state, no gradient, no work in the step.
//!
//! # Running statistics
//!
//! tch's own norms move their running statistics in every training forward pass, whether or not
//! they are frozen. The tuner puts those that are held back at each of its calls that move the
//! training on. A program that validates, or saves its `VarStore`, between a training forward pass
//! and the next such call says [`Tuner::put_back`] first:
//!
//! ```no_run
//! # use freeze_runtime::{Error, Tuner};
//! # use tch::Tensor;
//! # fn example(tuner: &mut Tuner, loss: impl Fn(usize) -> Tensor, validate: impl Fn() -> f64) -> Result<(), Error> {
//! tuner.zero_grad()?;
//! for part in 0..4 {
//!     loss(part).backward();
//! }
//! tuner.put_back()?;
//! println!("between backward passes and step: {}", validate());
//! tuner.step()?;
//! # Ok(())
//! # }
//! ```
//!
//! The norms of [`nn`] do not move theirs while they are held, and need none of this.
//!
//! # When training is over
//!
//! After a rule's `stop` nothing moves any more and no rule fires. Further calls are no errors;
//! they count epochs and steps on, so that a loop `while tuner.epoch() < 10` ends, and
//! [`Tuner::stopped`] says that it may end at once.
//!
//! # Linking
//!
//! A program finds libtorch when it runs by the run path that its build script hands on:
//!
//! ```no_run
//! // build.rs, with freeze-runtime a dependency of the package
//! if let Ok(argument) = std::env::var("DEP_FREEZE_RUNTIME_LINK_ARG") {
//!     println!("cargo::rustc-link-arg={argument}");
//! }
//! ```

mod checkpoint;
pub mod device;
mod error;
mod ffi;
mod log;
mod macros;
mod model;
pub mod nn;
mod optim;
mod precision;
mod tuner;

pub use checkpoint::{Allow, CheckpointError};
pub use error::Error;
pub use freeze_dsl::clock::{Change, Fired, Restore, SnapshotError, TransferError};
pub use freeze_dsl::diagnostic;
pub use freeze_dsl::model::ModelError;
pub use freeze_dsl::policy::{LoadError, Policy};
pub use freeze_dsl::{Optimizer, plan};
#[doc(hidden)]
pub use macros::__private;
pub use model::Model;
pub use precision::autocast;
pub use tuner::{Builder, Group, ProgramOptimizer, Tuner};
