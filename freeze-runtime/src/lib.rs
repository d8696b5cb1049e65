//! Puts freeze policies to work on `tch` models.

#[allow(dead_code, reason = "used by the tuner")]
mod ffi;
#[allow(dead_code, reason = "used by the tuner")]
mod optim;
