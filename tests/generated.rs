//! Policies made from the grammar mean the same under the compiler and at run time.
//! `build/policies.rs` writes them.

#![allow(deprecated, reason = "as which the compiler shows the warnings that policies have")]

use freeze_runtime::{Policy, freeze_policy};

fn agree(compiled: &Policy, text: &str) {
    let parsed = Policy::parse(text).map_err(|found| found.to_string());
    assert_eq!(parsed.as_ref(), Ok(compiled));
}

include!(concat!(env!("OUT_DIR"), "/policies.rs"));
