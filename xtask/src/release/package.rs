//! `cargo xtask package`: every crate as crates.io would get it.

use crate::error::Error;
use crate::program::cargo;

/// The crates that are published, in the order in which they depend on each other.
const PURE: [&str; 3] = ["freeze-dsl", "freeze-policy-macros", "freeze-cli"];

/// The crate that only builds with a libtorch, and what it depends on.
const RUNTIME: [&str; 3] = ["freeze-dsl", "freeze-policy-macros", "freeze-runtime"];

/// The files that every package has beside its code.
const FILES: [&str; 3] = ["README.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Makes and builds the packages, without publishing them. Siblings that are not on crates.io yet are
/// taken from this workspace. The runtime's is made and not built.
pub(crate) fn check(allow_dirty: bool) -> Result<(), Error> {
    for name in PURE.into_iter().chain([RUNTIME[2]]) {
        check_files(name)?;
    }
    publish(&PURE, &[], allow_dirty)?;
    publish(&RUNTIME, &["--no-verify"], allow_dirty)
}

fn check_files(name: &str) -> Result<(), Error> {
    let list = cargo(&["package", "--list", "--allow-dirty", "--package", name]).output()?;
    match missing(&list) {
        None => Ok(()),
        Some(file) => Err(Error::line(format!("the package {name} has no {file}"))),
    }
}

/// The first of the files that a list does not have.
fn missing(list: &str) -> Option<&'static str> {
    FILES.into_iter().find(|file| list.lines().all(|line| line != *file))
}

fn publish(names: &[&str], more: &[&str], allow_dirty: bool) -> Result<(), Error> {
    let packages = names.iter().flat_map(|name| ["--package", name]);
    let dirty = allow_dirty.then_some("--allow-dirty");
    cargo(&["publish", "--dry-run", "--locked"]).args(packages).args(more).args(dirty).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_found() {
        assert_eq!(missing("Cargo.toml\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\n"), None);
        assert_eq!(missing("LICENSE-APACHE\nLICENSE-MIT\ndocs/README.md\n"), Some("README.md"));
    }
}
