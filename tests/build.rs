//! Links the tests with the libtorch that freeze-runtime was built with.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(flag) = std::env::var("DEP_FREEZE_RUNTIME_LINK_ARG") {
        println!("cargo::rustc-link-arg={flag}");
    }
}
