//! Files that a Rust source file names.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Error;

/// The size of the largest file that is watched, in bytes. The compiler reads a watched file
/// whole, which costs a second and three times the memory for every 100 MB.
const WATCHED: u64 = 64 << 20;

/// How many entries of the package are searched for a file at most.
const SEARCHED: usize = 10_000;

/// The path of the file `name`, relative to the source file of `span`.
pub(crate) fn beside(span: Span, name: &str) -> Result<PathBuf, Error> {
    let file = span.local_file().ok_or_else(|| {
        Error::new(
            span,
            "the compiler does not report the file of this macro, so relative paths cannot be resolved",
        )
    })?;
    Ok(file.with_file_name(name))
}

/// Where the package has a file of the same name, if there is none at `path`: the end of a message.
pub(crate) fn elsewhere(span: Span, path: &Path) -> String {
    if path.exists() {
        return String::new();
    }
    let relative = "\n= note: the path is relative to this source file";
    let found = std::env::var_os("CARGO_MANIFEST_DIR")
        .zip(path.file_name())
        .and_then(|(package, name)| find(Path::new(&package), name))
        .and_then(|found| found.canonicalize().ok())
        .zip(span.local_file().and_then(|file| file.parent().map(folder_of)))
        .map(|(found, folder)| from(&folder, &found));
    match found {
        Some(found) => format!("{relative}\n= help: this package has `{found}`"),
        None => relative.to_owned(),
    }
}

/// The folder, without links and relative parts.
fn folder_of(parent: &Path) -> PathBuf {
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    parent.canonicalize().unwrap_or_else(|_| parent.to_owned())
}

/// The first file of this name in a folder and its subfolders, breadth first. Hidden folders and
/// build outputs are not searched, and no more than some thousand entries.
fn find(folder: &Path, name: &OsStr) -> Option<PathBuf> {
    let mut folders = VecDeque::from([folder.to_owned()]);
    let mut left = SEARCHED;
    while let Some(folder) = folders.pop_front() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            left = left.checked_sub(1)?;
            let (own, path) = (entry.file_name(), entry.path());
            if own == name && path.is_file() {
                return Some(path);
            }
            let is_searched = !own.as_encoded_bytes().starts_with(b".") && own != "target";
            if is_searched && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push_back(path);
            }
        }
    }
    None
}

/// The path of `file` relative to `folder`, with `/`.
fn from(folder: &Path, file: &Path) -> String {
    let (folder, file): (Vec<_>, Vec<_>) =
        (folder.components().collect(), file.components().collect());
    let common = folder.iter().zip(&file).take_while(|(one, other)| one == other).count();
    let up = folder.iter().skip(common).map(|_| "..".to_owned());
    let down = file.iter().skip(common).map(|part| part.as_os_str().display().to_string());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// An item that makes the compiler run again when the file changes.
pub(crate) fn watch(path: &Path) -> TokenStream {
    let small = path.metadata().is_ok_and(|metadata| metadata.len() <= WATCHED);
    match std::path::absolute(path) {
        Ok(path) if small => {
            let path = path.display().to_string();
            quote!(
                const _: &[u8] = ::core::include_bytes!(#path);
            )
        }
        _ => TokenStream::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_file_is_found_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for hidden in ["target", ".git", "src/policies"] {
            let hidden = folder.path().join(hidden);
            std::fs::create_dir_all(&hidden).expect("a folder");
            File::create(hidden.join("x.freeze")).expect("a file");
        }
        let found = find(folder.path(), OsStr::new("x.freeze"));
        assert_eq!(found, Some(folder.path().join("src/policies/x.freeze")));
        assert_eq!(find(folder.path(), OsStr::new("y.freeze")), None);
    }

    #[test]
    fn a_path_from_a_folder_goes_up_and_down() {
        for (folder, file, path) in [
            ("/a/src", "/a/src/x.freeze", "x.freeze"),
            ("/a/src", "/a/policies/x.freeze", "../policies/x.freeze"),
            ("/a", "/a/b/c/x.freeze", "b/c/x.freeze"),
        ] {
            assert_eq!(from(Path::new(folder), Path::new(file)), path);
        }
    }

    #[test]
    fn a_file_is_watched_unless_it_is_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        let file = File::create(&path).expect("a file");
        for (length, watched) in [(0, true), (WATCHED, true), (WATCHED + 1, false)] {
            file.set_len(length).expect("a length");
            assert_eq!(watch(&path).to_string().contains("model.safetensors"), watched);
        }
        assert!(watch(&folder.path().join("none")).is_empty());
    }
}
