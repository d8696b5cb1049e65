//! Modules that are in evaluation mode while they are frozen.
//!
//! A batch normalization in training mode normalizes by the batch, whatever is frozen: the output of
//! frozen layers then depends on the batch, and differs from their output after training. The modules
//! here replace tch's, with the same arguments, variables and values. While a
//! [`Tuner`](crate::Tuner) has frozen the statistics of a norm, or all parameters of a dropout are
//! frozen, they work as in evaluation, even with `train` set; otherwise as tch's.
//!
//! # Examples
//! ```
//! use freeze_runtime::nn::{batch_norm2d, dropout};
//! use freeze_runtime::{Tuner, freeze_policy};
//! use tch::nn::{self, ModuleT};
//! use tch::{Device, Kind, Tensor};
//!
//! let vs = nn::VarStore::new(Device::Cpu);
//! let root = vs.root();
//! let config = nn::ConvConfig { bias: false, ..nn::ConvConfig::default() };
//! let conv = nn::conv2d(&root / "body" / "conv", 3, 4, 3, config);
//! let norm = batch_norm2d(&root / "body" / "bn", 4, nn::BatchNormConfig::default());
//! let drop = dropout(0.5, [&conv.ws]);
//! let head = nn::conv2d(&root / "head", 4, 2, 3, nn::ConvConfig::default());
//! let body = nn::seq_t().add(conv).add(norm).add(drop);
//!
//! let policy = freeze_policy! { start: train head lr 1e-3; epoch 3: unfreeze body };
//! let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).lr(1e-4).attach(&vs)?;
//! tuner.start_epoch()?;
//! let x = Tensor::randn([8, 3, 7, 7], (Kind::Float, vs.device()));
//! assert_eq!(body.forward_t(&x, true), body.forward_t(&x, false));
//! # Ok::<(), freeze_runtime::Error>(())
//! ```

mod batch_norm;
mod dropout;
mod listener;
mod over_ranks;

pub use batch_norm::{BatchNorm, batch_norm1d, batch_norm2d, batch_norm3d};
pub use dropout::{Dropout, dropout};
pub(crate) use listener::follow;
