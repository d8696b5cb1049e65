//! Links the tests with the libtorch that freeze-runtime was built with, and writes tests.

mod book;
mod policies;

use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    if let Ok(flag) = env::var("DEP_FREEZE_RUNTIME_LINK_ARG") {
        println!("cargo::rustc-link-arg={flag}");
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names a folder")?);
    book::write(&folder)?;
    policies::write(&folder)
}
