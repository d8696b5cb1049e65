//! Applies freeze policies to `tch` models.
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
//! for _ in tuner.epochs_started()..4 {
//!     println!("{}", tuner.start_epoch()?);
//!     let loss = head.forward(&body.forward(&x).relu()).square().mean(Kind::Float);
//!     tuner.backward_step(&loss)?;
//!     if tuner.is_stopped() {
//!         break;
//!     }
//! }
//! assert_eq!(tuner.trainable_names(), ["body.bias", "body.weight", "head.bias", "head.weight"]);
//! # Ok::<(), freeze_runtime::Error>(())
//! ```
//!
//! # What it promises
//!
//! 1. **Bit-identical.** A frozen parameter, a frozen row and a frozen running statistic have the same
//!    bits at any two moments between which no rule changed them.
//! 2. **One owner.** Each trainable parameter is in exactly one group, and no frozen one is in any.
//!    The tuner checks this at each transition and epoch start.
//! 3. **`PyTorch`'s arithmetic.** Where nothing freezes, a run equals the same run of `PyTorch`'s
//!    optimizers within float32 rounding.
//! 4. **Nothing is lost.** A run that is saved after any step and resumed has the bits of the run that
//!    was not stopped; a crash at any moment of a save leaves a checkpoint that loads.
//! 5. **Frozen costs nothing.** No optimizer state, no gradient, no work in the step.
//! 6. **A step is made whole or not at all.** A gradient that an optimizer cannot take, or memory that
//!    runs out, is an error that changes nothing: a program may make the same call again.
//!
//! # Running statistics
//!
//! tch's own norms update their running statistics in every training forward pass, whether or not
//! they are frozen. The tuner restores frozen ones at each call of the training loop. A program that
//! validates, or saves its `VarStore`, between a training forward pass and the next such call first
//! calls [`Tuner::restore_frozen_stats`]:
//!
//! ```no_run
//! # use freeze_runtime::{Error, Tuner};
//! # use tch::Tensor;
//! # fn example(tuner: &mut Tuner, loss: impl Fn(usize) -> Tensor, validate: impl Fn() -> f64) -> Result<(), Error> {
//! tuner.zero_grad()?;
//! for micro_batch in 0..4 {
//!     tuner.backward(&loss(micro_batch))?;
//! }
//! tuner.restore_frozen_stats()?;
//! println!("between backward passes and step: {}", validate());
//! tuner.step()?;
//! # Ok(())
//! # }
//! ```
//!
//! The norms of [`nn`] do not update frozen statistics, and require no such call.
//!
//! # Mixed precision
//!
//! With parameters of f32, [`autocast`] runs the forward pass in bf16 or f16; for f16, scale the loss with
//! [`TunerBuilder::loss_scale`]. With parameters of bf16 or f16, [`TunerBuilder::master_weights`] makes the
//! steps in f32.
//!
//! ```
//! # use freeze_runtime::{LossScale, Tuner, autocast, freeze_policy};
//! # use tch::nn::Module;
//! # use tch::{Device, Kind, Tensor, nn};
//! # let vs = nn::VarStore::new(Device::Cpu);
//! # let fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
//! # let policy = freeze_policy! { default optimizer adamw; start: train fc lr 1e-3 };
//! # let x = Tensor::randn([3, 4], (Kind::Float, Device::Cpu));
//! let mut tuner = Tuner::builder(&policy).loss_scale(LossScale::dynamic()).attach(&vs)?;
//! tuner.start_epoch()?;
//! tuner.zero_grad()?;
//! let loss = autocast(Kind::Half, || fc.forward(&x)).square().mean(Kind::Float);
//! tuner.backward(&loss)?; // of the scaled loss
//! tuner.clip_grad_norm(1.0)?; // of gradients that are not scaled
//! tuner.step()?; // moves nothing if a gradient is infinite
//! # Ok::<(), freeze_runtime::Error>(())
//! ```
//!
//! # When training is over
//!
//! After a rule's `stop`, no parameter changes and no rule fires. Further calls are not errors: they
//! count epochs and steps on. [`Tuner::is_stopped`] says that the loop may end.
//!
//! # Linking
//!
//! A program finds libtorch at run time by the run path that its build script passes on:
//!
//! ```no_run
//! // build.rs of a package that depends on freeze-runtime
//! if let Ok(argument) = std::env::var("DEP_FREEZE_RUNTIME_LINK_ARG") {
//!     println!("cargo::rustc-link-arg={argument}");
//! }
//! ```

mod checkpoint;
pub mod device;
mod error;
mod feature_cache;
mod ffi;
mod grad_norm;
mod group;
mod log;
mod macros;
pub mod nn;
mod optim;
mod param_group;
mod precision;
mod store;
mod transition;
mod tuner;
mod weights;

pub use error::{
    CacheError, CheckpointError, DtypeMismatch, Error, FeatureType, ShapeMismatch, WeightsError,
    WeightsMismatch,
};
pub use feature_cache::{CacheCounts, FeatureCache, MissingSamples};
pub use freeze_dsl::ast::Best;
pub use freeze_dsl::clock::{BestMoment, MigrateError, Restore, SnapshotError, UnfreezingRule};
pub use freeze_dsl::diagnostic::{Diagnostic, Findings, Severity};
pub use freeze_dsl::model::ModelError;
pub use freeze_dsl::plan::Plan;
pub use freeze_dsl::policy::Policy;
pub use freeze_dsl::{
    LoadError, Optimizer, OptimizerNumber, OverrideError, ast, diagnostic, model, plan, source,
};
pub use grad_norm::GradNorm;
pub use group::{Group, GroupBuilder};
#[doc(hidden)]
pub use macros::__private;
pub use param_group::ParamGroup;
pub use precision::{LossScale, autocast};
pub use store::Model;
pub use transition::Transition;
pub use tuner::{FrozenPrefix, ProgramOptimizer, ResumeOptions, Tuner, TunerBuilder};
pub use weights::{LoadReport, Weights};
