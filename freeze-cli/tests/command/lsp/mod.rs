//! `freeze lsp`, over pipes, as an editor uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]
#![allow(clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

mod client;
mod config;
mod conversation;
mod features;
