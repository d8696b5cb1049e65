//! Whether a file has changed since it was read.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file as it was at some time; equal stamps mean that it has not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileStamp {
    path: PathBuf,
    /// When it was changed last; nothing if there is no such file.
    changed: Option<SystemTime>,
    length: u64,
}

impl FileStamp {
    /// A file as it is now.
    pub(crate) fn of(path: &Path) -> Self {
        let metadata = path.metadata().ok();
        let changed = metadata.as_ref().and_then(|it| it.modified().ok());
        let length = metadata.map_or(0, |it| it.len());
        Self { path: path.to_owned(), changed, length }
    }

    /// Whether the file is as it was.
    pub(crate) fn is_current(&self) -> bool {
        *self == Self::of(&self.path)
    }
}
