//! Fetches wheels with pip and unpacks the files that a build needs.
//!
//! pip chooses the wheel for this machine, uses its own settings (index, proxy, certificates,
//! passwords) and refuses a file whose hash is not in the lock file. Each wheel is a call of its
//! own, and is unpacked and removed before the next: a run that fails loses one wheel, and the disk
//! holds one wheel at a time.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::packages::locked;
use crate::program;

/// The oldest pip that reads the platform tags of PyTorch's wheels (PEP 600).
const OLDEST_PIP: (u32, u32) = (20, 3);

/// The wheels to fetch, and where to.
pub(crate) struct Fetch<'a> {
    /// The Python whose pip downloads.
    pub(crate) python: &'a str,
    /// The wheels, as `name==version`.
    pub(crate) wheels: Vec<&'a str>,
    /// The text of a requirements file with their hashes.
    pub(crate) lock: &'a str,
    /// Patterns of the files to unpack.
    pub(crate) keep: Vec<&'a str>,
    /// Patterns of the files among them not to unpack.
    pub(crate) skip: Vec<&'a str>,
    /// The content of `torch/build-version`, which is written last.
    pub(crate) version: String,
    /// The folder that gets `torch/` and `nvidia/`.
    pub(crate) into: PathBuf,
    /// Further environment variables for pip.
    pub(crate) env: Vec<(&'a str, String)>,
}

impl Fetch<'_> {
    /// Fetches all wheels, and then replaces the folders of an earlier libtorch.
    pub(crate) fn run(&self) -> Result<(), Error> {
        let requirements = self
            .wheels
            .iter()
            .map(|wheel| {
                locked(self.lock, wheel).ok_or_else(|| {
                    Error::line(format!("{wheel} is not among the wheels of xtask/libtorch.txt"))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        check_pip(self.python)?;
        fs::create_dir_all(&self.into).map_err(|error| cannot_write(&self.into, &error))?;
        let _lock = lock(&self.into.join("lock"))?;
        if fs::read_to_string(self.into.join("torch/build-version"))
            .is_ok_and(|found| found.trim() == self.version)
        {
            return Ok(());
        }
        let staging = self.into.join("partial").join(&self.version);
        let tree = staging.join("tree");
        fs::create_dir_all(&tree).map_err(|error| cannot_write(&tree, &error))?;
        for (index, (wheel, requirement)) in self.wheels.iter().zip(&requirements).enumerate() {
            let done = staging.join(format!("{wheel}.done"));
            if done.exists() {
                continue;
            }
            eprintln!("{wheel} ({} of {})", index + 1, self.wheels.len());
            let file = self.download(wheel, requirement, &staging)?;
            self.unpack(&file, &tree)?;
            File::create(&done).map_err(|error| cannot_write(&done, &error))?;
        }
        self.replace(&tree).map_err(|error| cannot_write(&self.into, &error))
    }

    /// Downloads one wheel and returns its file.
    fn download(&self, wheel: &str, requirement: &str, staging: &Path) -> Result<PathBuf, Error> {
        let (list, folder) = (staging.join("requirement.txt"), staging.join("download"));
        let prepare = || {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => fs::create_dir_all(&folder)?,
            }
            fs::write(&list, requirement)
        };
        prepare().map_err(|error| cannot_write(staging, &error))?;

        let mut pip = Command::new(self.python);
        pip.args(["-m", "pip", "download", "--require-hashes", "--no-deps", "--no-cache-dir"]);
        // No Python here runs what the wheels contain, so the version they are for is arbitrary.
        pip.args(["--only-binary=:all:", "--python-version=3.12"]);
        pip.arg("--dest").arg(&folder).arg("--requirement").arg(&list);
        // pip 25 and later continue a download that broke off; older ones ignore the variable.
        pip.env("PIP_RESUME_RETRIES", "20").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        // pip downloads into a temporary folder first: into the same disk, with room for a wheel.
        pip.env("TMPDIR", &folder).envs(self.env.iter().cloned());
        let (succeeded, errors) = show_and_capture(&mut pip)?;
        let is_wheel = |path: &PathBuf| path.extension().is_some_and(|end| end == "whl");
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        match files.map(|entry| entry.path()).find(is_wheel) {
            Some(file) if succeeded => Ok(file),
            _ => Err(Error::line(failure(wheel, &errors, &self.into))),
        }
    }

    /// Unpacks a wheel's files and removes the wheel.
    fn unpack(&self, wheel: &Path, tree: &Path) -> Result<(), Error> {
        let script = program::root().join("xtask/unpack.py");
        let mut python = Command::new(self.python);
        python.arg(script).arg(wheel).arg(tree).args([self.keep.join(","), self.skip.join(",")]);
        if !python.status().is_ok_and(|status| status.success()) {
            return Err(Error::Reported);
        }
        fs::remove_file(wheel).map_err(|error| cannot_write(wheel, &error))
    }

    /// Moves the unpacked folders to their place, `torch` last: its `build-version` speaks for both.
    fn replace(&self, tree: &Path) -> std::io::Result<()> {
        fs::write(tree.join("torch/build-version"), format!("{}\n", self.version))?;
        let old = self.into.join("partial/old");
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        fs::create_dir(&old)?;
        for name in ["torch", "nvidia"] {
            let replaced = self.into.join(name);
            if replaced.exists() {
                fs::rename(replaced, old.join(name))?;
            }
        }
        for name in ["nvidia", "torch"] {
            let new = tree.join(name);
            if new.exists() {
                fs::rename(new, self.into.join(name))?;
            }
        }
        fs::remove_dir_all(self.into.join("partial"))
    }
}

/// Fails where there is no pip, or one that cannot find the wheels.
pub(crate) fn check_pip(python: &str) -> Result<(), Error> {
    let output = Command::new(python).args(["-m", "pip", "--version"]).output();
    let printed = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let Some(printed) = printed else {
        return Err(Error::line(
            "this Python has no pip; install it (Debian and Ubuntu: apt install python3-pip; \
             others: python3 -m ensurepip) and run the command again",
        ));
    };
    match pip_version(&String::from_utf8_lossy(&printed)) {
        Some(version) if version < OLDEST_PIP => Err(Error::line(format!(
            "pip {}.{} is too old to find PyTorch's wheels; run `python3 -m pip install \
             --upgrade pip`, or set LIBTORCH to the folder of a libtorch",
            version.0, version.1,
        ))),
        _ => Ok(()),
    }
}

/// The version in a line like `pip 23.2.1 from …`.
fn pip_version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Takes the lock of a folder: a second set-up waits, and then finds the work done.
fn lock(path: &Path) -> Result<File, Error> {
    let locked = File::create(path).and_then(|file| {
        if file.try_lock().is_err() {
            eprintln!("waiting for another set-up in this folder");
            file.lock()?;
        }
        Ok(file)
    });
    locked.map_err(|error| cannot_write(path, &error))
}

/// Runs a program, shows its standard error line by line, and returns it.
fn show_and_capture(command: &mut Command) -> Result<(bool, String), Error> {
    let cannot_start = |error| Error::line(format!("pip could not be started: {error}"));
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(cannot_start)?;
    let mut captured = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            eprintln!("{line}");
            captured.push_str(&line);
            captured.push('\n');
        }
    }
    let status = child.wait().map_err(cannot_start)?;
    Ok((status.success(), captured))
}

/// What went wrong in a download, by what pip printed, and what to do.
fn failure(wheel: &str, errors: &str, into: &Path) -> String {
    let printed = |signs: &[&str]| signs.iter().any(|sign| errors.contains(sign));
    if printed(&["No space left", "Disk quota"]) {
        let into = into.display();
        format!("the disk of {into} is full; free some space and run the command again")
    } else if printed(&["DO NOT MATCH THE HASHES"]) {
        format!(
            "{wheel} has another hash than xtask/libtorch.txt; the download broke off, or a proxy or \
             an index has altered it"
        )
    } else if printed(&[
        "connection broken",
        "onnection error",
        "timed out",
        "Max retries",
        "IncompleteRead",
        "Could not fetch URL",
        "HTTP error",
        "not enough bytes",
        "incomplete",
    ]) {
        format!(
            "the network failed while pip fetched {wheel}; check the network, the proxy and pip's \
             index, and run the command again to continue with this wheel"
        )
    } else if printed(&["No matching distribution"]) {
        format!(
            "pip's index does not answer, or has no wheel of {wheel} for this machine; check the \
             index, or install libtorch and set LIBTORCH to its folder"
        )
    } else {
        format!("pip could not fetch {wheel}")
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::line(format!("{} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pips_version_is_read() {
        assert_eq!(pip_version("pip 20.0.2 from /usr/lib (python 3.8)"), Some((20, 0)));
        assert_eq!(pip_version("pip 26.0 from /usr/lib (python 3.14)"), Some((26, 0)));
        assert_eq!(pip_version("no version"), None);
    }

    #[test]
    fn a_full_disk_and_a_broken_network_are_named() {
        let line = |errors| failure("a==1", errors, Path::new("/checkout/.libtorch"));
        let full = line(
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
        );
        assert!(full.starts_with("the disk of /checkout/.libtorch is full"), "{full}");
        let broken = line(
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution found for a==1\n",
        );
        assert!(broken.starts_with("the network failed"), "{broken}");
        let absent = line("ERROR: No matching distribution found for a==1\n");
        assert!(absent.contains("has no wheel of a==1 for this machine"), "{absent}");
    }
}
