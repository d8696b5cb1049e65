//! Finds the libtorch that builds use, or fetches it.

use std::env;
use std::env::consts::OS;
use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::fetch::Fetch;
use crate::libtorch::{self, Source};
use crate::packages::{KEEP, LOCK, VERSION, Variant};
use crate::program::{self, Program};

/// Read by cargo where it exists: see `.cargo/config.toml`.
const CARGO_CONFIG: &str = "\
# Written by `cargo xtask setup`.
[env]
LIBTORCH = { value = \".libtorch/torch\", relative = true }
";

/// Fetches libtorch where a build would find none, and prints which one a build uses.
pub(crate) fn ensure(wanted: Option<Variant>) -> Result<(), Error> {
    check_compiler()?;
    let root = program::root();
    match Source::asked_for() {
        Source::PyTorch | Source::Named(_) if wanted.is_some() => {
            return Err(Error::line(
                "the environment names a libtorch, and --cuda would fetch another: unset LIBTORCH \
                 and LIBTORCH_USE_PYTORCH, or leave out --cuda",
            ));
        }
        Source::PyTorch => {
            println!("libtorch: that of Python's PyTorch (LIBTORCH_USE_PYTORCH is set)");
        }
        Source::Named(dir) => {
            if env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_none() {
                libtorch::check(&dir)?;
            }
            println!("libtorch: {} (LIBTORCH)", dir.display());
        }
        Source::Own => {
            let present = libtorch::own_variant(&root);
            let wanted = wanted.or(present).unwrap_or(Variant::Cpu);
            if present != Some(wanted) {
                let (version, size) = (wanted.version(), wanted.download_size());
                println!("libtorch: fetching {version} into .libtorch ({size})");
                fetch(wanted, &root)?;
            }
            write_cargo_config(&root)?;
            println!("libtorch: {} in {}", wanted.version(), libtorch::OWN);
        }
    }
    Ok(())
}

/// Prints the wheels that a fetch would download.
pub(crate) fn list(wanted: Option<Variant>) -> Result<(), Error> {
    let variant = wanted.unwrap_or(Variant::Cpu);
    for wheel in variant.wheels(OS)? {
        println!("{wheel}");
    }
    println!("{} in all, with the hashes of xtask/libtorch.txt", variant.download_size());
    Ok(())
}

fn fetch(variant: Variant, root: &Path) -> Result<(), Error> {
    let fetch = Fetch {
        python: python()?,
        wheels: variant.wheels(OS)?,
        lock: LOCK,
        keep: KEEP.to_vec(),
        skip: variant.skip(),
        version: variant.version(),
        into: root.join(".libtorch"),
        env: vec![],
    };
    fetch.run()
}

/// Writes the configuration that points cargo to the libtorch of the checkout.
fn write_cargo_config(root: &Path) -> Result<(), Error> {
    let path = root.join(".libtorch/cargo.toml");
    if fs::read_to_string(&path).is_ok_and(|text| text == CARGO_CONFIG) {
        return Ok(());
    }
    fs::write(&path, CARGO_CONFIG)
        .map_err(|error| Error::line(format!("{} cannot be written: {error}", path.display())))
}

/// The Python that fetches; any Python 3 serves.
pub(crate) fn python() -> Result<&'static str, Error> {
    let works = |name: &&str| {
        Program::new(name).args(["-c", "import sys; sys.exit(sys.version_info < (3, 6))"]).works()
    };
    ["python3", "python"].into_iter().find(works).ok_or_else(|| {
        Error::line(format!(
            "no Python 3 was found, which fetches libtorch {VERSION}; install it with pip (Debian \
             and Ubuntu: apt install python3-pip; macOS: xcode-select --install) and run the \
             command again"
        ))
    })
}

/// Fails at once where torch-sys, after minutes of other work, would find no C++ compiler.
fn check_compiler() -> Result<(), Error> {
    let named = env::var("CXX").ok();
    let name = named.as_deref().unwrap_or("c++");
    if Program::new(name).args(["--version"]).works() {
        return Ok(());
    }
    Err(Error::line(format!(
        "no C++ compiler was found (`{name}`); install one (Debian and Ubuntu: apt install g++; \
         macOS: xcode-select --install) and run the command again"
    )))
}
