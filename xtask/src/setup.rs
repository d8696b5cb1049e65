//! Finds the libtorch that builds use, or fetches it.

use std::env;
use std::env::consts::OS;
use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::libtorch::{self, Source};
use crate::packages::{KEEP, VERSION, Variant};
use crate::program::{self, Program};

/// Read by cargo where it exists: see `.cargo/config.toml`.
const CARGO_CONFIG: &str = "\
# Written by `cargo xtask setup`.
[env]
LIBTORCH = { value = \".libtorch/torch\", relative = true }
";

/// Makes sure that a build finds libtorch, and prints where.
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
                println!("libtorch: fetching {} into .libtorch", wanted.version());
                fetch(wanted, &root)?.run()?;
            }
            write_cargo_config(&root)?;
            println!("libtorch: {} in {}", wanted.version(), libtorch::OWN);
        }
    }
    Ok(())
}

/// Lists what a fetch would bring.
pub(crate) fn list(wanted: Option<Variant>) -> Result<(), Error> {
    fetch(wanted.unwrap_or(Variant::Cpu), &program::root())?.args(["--dry-run"]).run()
}

fn fetch(variant: Variant, root: &Path) -> Result<Program, Error> {
    let wheels = variant.wheels(OS)?;
    let package = root.join("xtask");
    let mut args = vec!["--version".to_owned(), variant.version()];
    let patterns = KEEP.map(|pattern| format!("--keep={pattern}"));
    let skipped = variant.skip().into_iter().map(|pattern| format!("--skip={pattern}"));
    args.extend(patterns.into_iter().chain(skipped));
    Ok(python()?
        .args([package.join("fetch.py")])
        .args(["--into".as_ref(), root.join(".libtorch").as_os_str()])
        .args(["--sums".as_ref(), package.join("wheels.sha256").as_os_str()])
        .args(args)
        .args(wheels))
}

/// Tells cargo of the libtorch that is there now.
fn write_cargo_config(root: &Path) -> Result<(), Error> {
    let path = root.join(".libtorch/cargo.toml");
    if fs::read_to_string(&path).is_ok_and(|text| text == CARGO_CONFIG) {
        return Ok(());
    }
    fs::write(&path, CARGO_CONFIG)
        .map_err(|error| Error::line(format!("{} cannot be written: {error}", path.display())))
}

/// The Python that fetches; which one does not matter.
fn python() -> Result<Program, Error> {
    let works = |name: &&&str| {
        Program::new(name).args(["-c", "import sys; sys.exit(sys.version_info < (3, 7))"]).works()
    };
    match ["python3", "python"].iter().find(works) {
        Some(name) => Ok(Program::new(name)),
        None => Err(Error::line(format!(
            "no Python 3 was found, which fetches libtorch {VERSION}; install it with pip (Debian \
             and Ubuntu: apt install python3-pip; macOS: xcode-select --install) and run the \
             command again"
        ))),
    }
}

/// torch-sys compiles C++ for minutes: that it cannot is better known at once.
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
