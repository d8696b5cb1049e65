//! Mixed precision.

mod autocast;

pub use autocast::autocast;
