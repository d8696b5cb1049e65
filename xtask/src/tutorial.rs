//! The crate at the end of the book's tutorial: made from the code blocks of its page, built and run, as
//! a reader would, with the versions of this checkout.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::libtorch::Source;
use crate::program::{cargo, root, target};

/// The pages whose files make the crate. A file that a later block writes again replaces the earlier.
const PAGES: [&str; 2] = ["docs/src/tutorial/schedule.md", "docs/src/tutorial/program.md"];
/// The path, from the crate's folder, of the checkout that the page names.
const CHECKOUT: &str = "../freeze/";
/// The file that only serves a libtorch that the checkout has fetched.
const CONFIG: &str = ".cargo/config.toml";
/// Writes the file that a reader has from Python: the weights of the network that the policy names.
const WEIGHTS: &str = r#"
fn main() {
    let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    let _network = tch::vision::resnet::resnet18(&vs.root(), 1000);
    vs.save("resnet18.safetensors").expect("a file");
}
"#;

/// Makes the crate in a folder of its own and runs it.
pub(crate) fn check() -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("freeze-tutorial-{}", std::process::id()));
    let run = |binary| {
        let program = cargo(&["run", "--bin", binary]).in_folder(&folder);
        program.env("CARGO_TARGET_DIR", target()).run()
    };
    // The weights come first: the compiler reads them where the policy is checked.
    let result = make(&folder).and_then(|()| run("weights")).and_then(|()| run("finetune"));
    // The folder of a crate that fails is kept for inspection.
    if result.is_ok() {
        fs::remove_dir_all(&folder).map_err(|error| cannot("removed", &folder, &error))?;
    } else {
        eprintln!("the crate of the tutorial does not run; it is in {}", folder.display());
    }
    result
}

fn make(folder: &Path) -> Result<(), Error> {
    for page in PAGES {
        for (path, text) in files(&read(&root().join(page))?) {
            if path == CONFIG && Source::asked_for() != Source::Own {
                continue;
            }
            write(&folder.join(path), &in_checkout(text, &root()))?;
        }
    }
    write(&folder.join("src/bin/weights.rs"), WEIGHTS)?;
    // With another profile, libtorch's bindings would be built once more.
    let manifest = folder.join("Cargo.toml");
    let profiles = profiles(&read(&root().join("Cargo.toml"))?);
    write(&manifest, &format!("{}\n\n{profiles}", read(&manifest)?))?;
    for same in ["Cargo.lock", "rust-toolchain.toml"] {
        write(&folder.join(same), &read(&root().join(same))?)?;
    }
    Ok(())
}

/// The files in the code blocks: those with `file:` in their fence.
fn files(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.split_once('\n')).filter_map(file).collect()
}

fn file<'p>((fence, content): (&'p str, &'p str)) -> Option<(&'p str, &'p str)> {
    let path = fence.split(',').find_map(|tag| tag.strip_prefix("file:"))?;
    Some((path, content))
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
        let page = "a\n```toml,file:Cargo.toml\n[package]\n```\nb\n```\nno file\n```\n\
                    ```rust,ignore,file:src/main.rs\nfn main() {}\n```\n";
        let expected = [("Cargo.toml", "[package]"), ("src/main.rs", "fn main() {}")];
        assert_eq!(files(page), expected);
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
