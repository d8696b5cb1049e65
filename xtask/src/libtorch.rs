//! An installed libtorch: its source and its version.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::packages::{VERSION, Variant};
use crate::program;

/// The checkout's own libtorch, relative to its root; `.cargo/config.toml` names it too.
pub(crate) const OWN: &str = ".libtorch/torch";

/// The value of LIBTORCH until the checkout has a libtorch: see `.cargo/no-libtorch.toml`.
const NONE_YET: &str = ".cargo/no-libtorch";

/// Where a build finds libtorch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The checkout's own.
    Own,
    /// The folder that a user has set in LIBTORCH.
    Named(PathBuf),
    /// The PyTorch of the installed Python, which torch-sys finds itself.
    PyTorch,
}

impl Source {
    /// The source that the environment of this process selects.
    pub(crate) fn asked_for() -> Self {
        let libtorch = env::var_os("LIBTORCH").map(PathBuf::from);
        Self::of(libtorch, env::var_os("LIBTORCH_USE_PYTORCH").is_some(), &program::root())
    }

    /// Cargo sets LIBTORCH for the programs that it runs, so a value is the user's only if it is
    /// neither of cargo's two.
    fn of(libtorch: Option<PathBuf>, use_pytorch: bool, root: &Path) -> Self {
        match libtorch {
            _ if use_pytorch => Self::PyTorch,
            Some(path) if path != root.join(OWN) && path != root.join(NONE_YET) => {
                Self::Named(path)
            }
            _ => Self::Own,
        }
    }
}

/// The variant of the checkout's own libtorch, where it is complete.
pub(crate) fn own_variant(root: &Path) -> Option<Variant> {
    let stamp = fs::read_to_string(root.join(OWN).join("build-version")).ok()?;
    [Variant::Cuda, Variant::Cpu].into_iter().find(|variant| stamp.trim() == variant.version())
}

/// Checks that a folder contains the libtorch that tch requires.
pub(crate) fn check(dir: &Path) -> Result<(), Error> {
    let shown = dir.display();
    if dir.is_relative() {
        return Err(Error::line(format!("LIBTORCH is `{shown}`; it must be an absolute path")));
    }
    if !dir.join("lib").is_dir() {
        return Err(Error::line(format!(
            "LIBTORCH is {shown}, which has no folder `lib`; name a libtorch {VERSION}, or unset it"
        )));
    }
    let Some(found) = version(dir) else {
        return Err(Error::line(format!(
            "LIBTORCH is {shown}, which does not say its version; name a libtorch {VERSION}, \
             or unset it"
        )));
    };
    if found != VERSION {
        return Err(Error::line(format!(
            "LIBTORCH is {shown}, which is libtorch {found}; freeze requires {VERSION}: name that one, \
             or unset it"
        )));
    }
    Ok(())
}

/// The version of the libtorch in a folder, without the part after a `+`.
fn version(dir: &Path) -> Option<String> {
    if let Ok(stamp) = fs::read_to_string(dir.join("build-version")) {
        return Some(release(&stamp).to_owned());
    }
    // PyTorch's wheel has no such file. One of two headers contains the version.
    let headers = ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"];
    headers.iter().find_map(|header| {
        let text = fs::read_to_string(dir.join("include").join(header)).ok()?;
        version_in_header(&text)
    })
}

fn release(stamp: &str) -> &str {
    let stamp = stamp.trim();
    stamp.split_once('+').map_or(stamp, |(release, _)| release)
}

fn version_in_header(text: &str) -> Option<String> {
    let number = |name: &str| {
        let define = format!("#define TORCH_VERSION_{name} ");
        text.lines().find_map(|line| line.strip_prefix(&define)).map(str::trim)
    };
    Some([number("MAJOR")?, number("MINOR")?, number("PATCH")?].join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_that_cargo_sets_is_the_checkouts_own() {
        let root = Path::new("/checkout");
        for set in [None, Some(".libtorch/torch"), Some(".cargo/no-libtorch")] {
            assert_eq!(Source::of(set.map(|path| root.join(path)), false, root), Source::Own);
        }
        let named = PathBuf::from("/opt/libtorch");
        assert_eq!(Source::of(Some(named.clone()), false, root), Source::Named(named.clone()));
        assert_eq!(Source::of(Some(named), true, root), Source::PyTorch);
    }

    #[test]
    fn a_version_is_read_without_its_build() {
        assert_eq!(release("2.11.0+cu130\n"), "2.11.0");
        assert_eq!(release("2.11.0"), "2.11.0");
    }

    #[test]
    fn a_version_is_read_from_a_header() {
        let header = "/// Major.\n#define TORCH_VERSION_MAJOR 2\n\n#define TORCH_VERSION_MINOR 11\n\
                      #define TORCH_VERSION_PATCH 0\n#define TORCH_VERSION \\\n  \"2.11.0\"\n";
        assert_eq!(version_in_header(header).as_deref(), Some("2.11.0"));
        assert_eq!(version_in_header("#include <torch/headeronly/version.h>"), None);
    }

    #[test]
    fn a_folder_without_libtorch_is_refused() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let Err(Error::Line(line)) = check(dir) else { panic!("it was accepted") };
        assert!(line.contains("xtask, which has no folder `lib`"), "{line}");
        let Err(Error::Line(line)) = check(Path::new("here")) else { panic!("it was accepted") };
        assert!(line.contains("absolute"), "{line}");
    }
}
