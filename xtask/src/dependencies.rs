//! Checks that some packages do not depend on libtorch.
//!
//! A policy can be parsed, checked and formatted on a machine without libtorch, and a crate that
//! checks a policy at compile time does not wait for libtorch to build.

use crate::error::Error;
use crate::program::cargo;

/// These do not depend on any of `LIBTORCH_PACKAGES`, directly or indirectly.
const PURE: [&str; 5] =
    ["freeze-dsl", "freeze-policy-macros", "freeze-cli", "freeze-macro-tests", "xtask"];

const LIBTORCH_PACKAGES: [&str; 3] = ["tch", "torch-sys", "freeze-runtime"];

pub(crate) fn check() -> Result<(), Error> {
    for package in PURE {
        let tree = ["tree", "--package", package, "--prefix", "none", "--format", "{p}"];
        let every = ["--edges", "all", "--all-features"];
        let tree = cargo(&tree).args(every).output()?;
        if let Some(found) = forbidden(&tree) {
            return Err(Error::line(format!(
                "{package} depends on {found}, and must not depend on libtorch: \
                 see `cargo tree -p {package} -i {found}`"
            )));
        }
        println!("{package} does not depend on libtorch");
    }
    Ok(())
}

/// The first libtorch package of a tree. A line is `name v1.2.3 (…)`.
fn forbidden(tree: &str) -> Option<&'static str> {
    let names = || tree.lines().filter_map(|line| line.split_whitespace().next());
    LIBTORCH_PACKAGES.into_iter().find(|package| names().any(|name| name == *package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorch_is_found_in_a_tree() {
        let tree = "freeze-dsl v0.1.0 (/checkout/freeze-dsl)\npest v2.9.0\ntorch-sys v0.24.0 (*)\n";
        assert_eq!(forbidden(tree), Some("torch-sys"));
    }

    #[test]
    fn a_name_with_the_same_prefix_is_another() {
        assert_eq!(forbidden("freeze-dsl v0.1.0\ntch-like v1.0.0\n\n"), None);
    }
}
