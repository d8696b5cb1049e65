//! The example `acceptance` in a folder that can be carried to another machine.
//!
//! That machine needs Python's PyTorch of the right version and nothing else: the wheel contains the
//! libtorch with CUDA that the example is linked with.

use std::fs;
use std::io;
use std::path::Path;

use crate::error::Error;
use crate::packages::{VERSION, Variant};
use crate::program::{self, cargo};
use crate::setup;

/// Runs the example with the libraries of Python's PyTorch.
const SCRIPT: &str = r#"#!/bin/sh
# Runs `acceptance` with the libtorch of Python's PyTorch. Arguments go to the example.
set -eu
here=$(dirname "$0")
wanted=@VERSION@
found=$(python3 -c 'import torch; print(torch.__version__.split("+")[0])')
if [ "$found" != "$wanted" ]; then
    echo "error: Python has PyTorch $found; this example is linked with libtorch $wanted" >&2
    exit 2
fi
lib=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')
LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$here/acceptance" "$@"
"#;

/// Builds the example with the libtorch that has CUDA, and writes it and its script to `dir`.
pub(crate) fn acceptance(dir: &Path) -> Result<(), Error> {
    setup::ensure(Some(Variant::Cuda))?;
    let example = ["--package", "freeze-examples", "--example", "acceptance"];
    cargo(&["rustc", "--release"]).args(example).args(["--", "-C", "strip=symbols"]).run()?;
    let built = program::target().join("release/examples/acceptance");
    let failed = |error: io::Error| Error::line(format!("{}: {error}", dir.display()));
    fs::create_dir_all(dir).map_err(failed)?;
    fs::copy(&built, dir.join("acceptance")).map_err(failed)?;
    write_script(dir).map_err(failed)?;
    println!("{0} is complete; on the other machine, start {0}/run", dir.display());
    Ok(())
}

fn write_script(dir: &Path) -> io::Result<()> {
    let path = dir.join("run");
    fs::write(&path, SCRIPT.replace("@VERSION@", VERSION))?;
    make_executable(&path)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// There is no libtorch with CUDA for freeze on other systems.
#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    fn write(path: &Path, text: &str) {
        fs::write(path, text).expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a script");
    }

    /// Runs the script with a `python3` that has a PyTorch of some version.
    fn run(name: &str, version: &str) -> (Option<i32>, String) {
        let dir = std::env::temp_dir().join(format!("freeze-carry-{name}-{}", std::process::id()));
        let bin = dir.join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        write_script(&dir).expect("a script");
        write(&dir.join("acceptance"), "#!/bin/sh\necho \"$LD_LIBRARY_PATH $*\"\n");
        let python = format!(
            "#!/bin/sh\ncase \"$2\" in *version*) echo {version} ;; *) echo /torch/lib ;; esac\n"
        );
        write(&bin.join("python3"), &python);
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let mut command = Command::new(dir.join("run"));
        command.arg("--small").env("PATH", path).env("LD_LIBRARY_PATH", "/other");
        let output = command.output().expect("a shell");
        let _ = fs::remove_dir_all(&dir);
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&printed).into_owned())
    }

    #[test]
    fn the_libraries_of_pythons_pytorch_come_first() {
        assert_eq!(run("right", VERSION), (Some(0), "/torch/lib:/other --small\n".to_owned()));
    }

    #[test]
    fn another_version_is_refused() {
        let (status, printed) = run("wrong", "2.9.1");
        assert_eq!(status, Some(2));
        assert!(printed.contains("PyTorch 2.9.1; this example is linked with"), "{printed}");
    }
}
