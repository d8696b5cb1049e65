//! `cargo xtask archive`: the command for one kind of machine, as a file to download.

use std::fs;
use std::path::Path;

use super::{cannot, copy, empty_folder, write};
use crate::error::Error;
use crate::program::{Program, cargo, root, target};

/// The texts that go with the command.
const TEXTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// The shells that the command completes for, and the file of each one's script.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "freeze.bash"),
    ("elvish", "freeze.elv"),
    ("fish", "freeze.fish"),
    ("powershell", "_freeze.ps1"),
    ("zsh", "_freeze"),
];

/// Builds `target/archive/freeze-VERSION-HOST.tar.gz` and its checksum, and tries what is in it.
pub(crate) fn build() -> Result<(), Error> {
    cargo(&["build", "--release", "--locked", "--package", "freeze-cli"]).run()?;
    let binary = target().join("release/freeze");
    let name = format!("freeze-{}-{}", env!("CARGO_PKG_VERSION"), host()?);
    let folder = target().join("archive");
    let content = folder.join(&name);
    empty_folder(&folder)?;
    empty_folder(&content)?;
    copy(&binary, &content.join("freeze"))?;
    for text in TEXTS {
        copy(&root().join(text), &content.join(text))?;
    }
    write_completions(&binary, &content.join("completions"))?;
    Program::new(&binary).args(["man", "--out"]).args([content.join("man")]).run()?;
    let archive = format!("{name}.tar.gz");
    let tar = ["--create", "--gzip", "--file", &archive, &name];
    Program::new("tar").args(tar).in_folder(&folder).run()?;
    let checksum = sums(&["--binary", &archive], &folder)?.output()?;
    write(&folder.join(format!("{archive}.sha256")), checksum)?;
    try_archive(&folder, &archive, &name)?;
    println!("{}", folder.join(&archive).display());
    Ok(())
}

fn write_completions(binary: &Path, folder: &Path) -> Result<(), Error> {
    empty_folder(folder)?;
    for (shell, file) in COMPLETIONS {
        let script = Program::new(binary).args(["completions", shell]).output()?;
        write(&folder.join(file), script)?;
    }
    Ok(())
}

/// The kind of machine that is built for.
fn host() -> Result<String, Error> {
    let version = Program::new("rustc").args(["--version", "--verbose"]).output()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Error::line("rustc does not say its host"))
}

/// The program that makes and checks checksums.
fn sums(arguments: &[&str], folder: &Path) -> Result<Program, Error> {
    for (name, more) in [("sha256sum", &[][..]), ("shasum", &["--algorithm", "256"])] {
        if Program::new(name).args(["--version"]).works() {
            return Ok(Program::new(name).args(more).args(arguments).in_folder(folder));
        }
    }
    Err(Error::line("there is neither sha256sum nor shasum"))
}

/// Unpacks the archive elsewhere and calls the command in it.
fn try_archive(folder: &Path, archive: &str, name: &str) -> Result<(), Error> {
    sums(&["--check", "--status", &format!("{archive}.sha256")], folder)?.run()?;
    let unpacked = folder.join("unpacked");
    empty_folder(&unpacked)?;
    let file = folder.join(archive);
    Program::new("tar").args(["--extract", "--file"]).args([&file]).in_folder(&unpacked).run()?;
    let content = unpacked.join(name);
    for file in ["completions/_freeze", "man/freeze.1", "man/freeze-check.1"] {
        if !content.join(file).is_file() {
            return Err(Error::line(format!("the archive has no {file}")));
        }
    }
    let version = Program::new(content.join("freeze")).args(["--version"]).output()?;
    if !version.contains(env!("CARGO_PKG_VERSION")) {
        return Err(Error::line(format!("the archive has `{}`", version.trim())));
    }
    fs::remove_dir_all(&unpacked).map_err(|error| cannot("be removed", &unpacked, &error))
}
