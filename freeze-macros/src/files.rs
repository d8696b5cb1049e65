//! Files that are named in a Rust source file.

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Error;

/// A larger file is not watched: the compiler can watch only what it reads whole, which costs
/// it a second and three times the memory for every 100 MB.
const WATCHED: u64 = 64 << 20;

/// The path of the file `name`, relative to the source file in which `span` stands.
pub(crate) fn beside(span: Span, name: &str) -> Result<PathBuf, Error> {
    let file = span.local_file().ok_or_else(|| {
        Error::new(
            span,
            "the compiler does not say in which file this stands, so no path can be relative to it",
        )
    })?;
    Ok(file.with_file_name(name))
}

/// An item that has the compiler run again when the file changes.
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
