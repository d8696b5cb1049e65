//! Lists the pages of the book, whose Rust examples are doc tests of this package.

use std::path::{Path, PathBuf};
use std::{fs, io};

const BOOK: &str = "../docs/src";

/// Writes `book.rs`, with a module for each page.
pub(crate) fn write(folder: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={BOOK}");
    let pages = pages(Path::new(BOOK))?;
    let modules: String = pages.iter().map(|page| module(page)).collect();
    fs::write(folder.join("book.rs"), modules)
}

/// The pages in a folder, in order.
fn pages(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path.canonicalize()?);
        }
    }
    found.sort();
    Ok(found)
}

/// A module that has a page as its documentation, and is named after it.
fn module(page: &Path) -> String {
    let name: String = page.file_stem().unwrap_or_default().to_string_lossy().replace('-', "_");
    let folder = page.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let path = page.to_string_lossy();
    format!("#[doc = include_str!({path:?})]\nmod {folder}_{name} {{}}\n")
}
