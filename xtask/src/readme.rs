//! The crate that README.md shows: made from its code blocks, built and run, as a user would, with
//! the versions of this checkout.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::libtorch::Source;
use crate::program::{cargo, root, target};

/// The path, from the crate's folder, of the checkout that the README names.
const CHECKOUT: &str = "../freeze/";
/// The file that only serves a libtorch that the checkout has fetched.
const CONFIG: &str = ".cargo/config.toml";

/// Makes the crate in a folder of its own and runs it.
pub(crate) fn check() -> Result<(), Error> {
    let readme = read(&root().join("README.md"))?;
    let folder = std::env::temp_dir().join(format!("freeze-readme-{}", std::process::id()));
    let result = make(&readme, &folder)
        .and_then(|()| cargo(&["run"]).in_folder(&folder).env("CARGO_TARGET_DIR", target()).run());
    // The folder of a crate that fails is kept for inspection.
    if result.is_ok() {
        fs::remove_dir_all(&folder).map_err(|error| cannot("removed", &folder, &error))?;
    } else {
        eprintln!("the crate of README.md does not run; it is in {}", folder.display());
    }
    result
}

fn make(readme: &str, folder: &Path) -> Result<(), Error> {
    for (path, text) in files(readme) {
        if path == CONFIG && Source::asked_for() != Source::Own {
            continue;
        }
        write(&folder.join(path), &in_checkout(text, &root()))?;
    }
    // With another profile, libtorch's bindings would be built once more.
    let manifest = folder.join("Cargo.toml");
    let profiles = profiles(&read(&root().join("Cargo.toml"))?);
    write(&manifest, &format!("{}\n\n{profiles}", read(&manifest)?))?;
    for same in ["Cargo.lock", "rust-toolchain.toml"] {
        write(&folder.join(same), &read(&root().join(same))?)?;
    }
    Ok(())
}

/// The files in the code blocks: those whose first line is a comment with nothing but a path.
fn files(readme: &str) -> Vec<(&str, &str)> {
    let blocks = readme.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| file(block.split_once('\n')?.1)).collect()
}

fn file(block: &str) -> Option<(&str, &str)> {
    let first = block.lines().next()?;
    let path = first.strip_prefix("# ").or_else(|| first.strip_prefix("// "))?;
    (path.contains('.') && !path.contains(' ')).then_some((path, block))
}

/// The text with the paths to this checkout in place of those to one beside the crate.
fn in_checkout(text: &str, root: &Path) -> String {
    let checkout = format!("{}/", root.display());
    text.replace(&format!("../{CHECKOUT}"), &checkout).replace(CHECKOUT, &checkout)
}

/// The sections of a manifest that define profiles.
fn profiles(manifest: &str) -> String {
    let sections = manifest.split_inclusive('\n').scan(false, |is_in, line| {
        if line.starts_with('[') {
            *is_in = line.starts_with("[profile.");
        }
        Some(if *is_in { line } else { "" })
    });
    sections.collect()
}

fn read(path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| cannot("read", path, &error))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| cannot("made", folder, &error))?;
    fs::write(path, text).map_err(|error| cannot("written", path, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::line(format!("{} cannot be {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_the_blocks_that_name_one() {
        let readme = "a\n```toml\n# Cargo.toml\n[package]\n```\nb\n```\n// a comment\n```\n\
                      ```rust\n// src/main.rs\nfn main() {}\n```\n";
        let files = files(readme);
        let expected = [
            ("Cargo.toml", "# Cargo.toml\n[package]"),
            ("src/main.rs", "// src/main.rs\nfn main() {}"),
        ];
        assert_eq!(files, expected);
    }

    #[test]
    fn the_profiles_are_copied() {
        let manifest = "[lints]\na = 1\n[profile.dev]\nb = 2\n\n[c]\n[profile.x.y]\nd = 3\n";
        assert_eq!(profiles(manifest), "[profile.dev]\nb = 2\n\n[profile.x.y]\nd = 3\n");
    }

    #[test]
    fn paths_lead_to_the_checkout() {
        let text = "\"../freeze/freeze-runtime\" \"../../freeze/.libtorch\"";
        let expected = "\"/a/b/freeze-runtime\" \"/a/b/.libtorch\"";
        assert_eq!(in_checkout(text, Path::new("/a/b")), expected);
    }
}
