//! Files that a Rust source file names.

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Error;

/// The size of the largest file that is watched, in bytes. The compiler reads a watched file
/// whole, which costs a second and three times the memory for every 100 MB.
const WATCHED: u64 = 64 << 20;

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
