//! Errors in a model's description.

use std::path::Path;

/// Why a model's description cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// An error in this file.
    #[error("{0}: {1}")]
    InFile(String, Box<ModelError>),
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file is of a kind that does not describe a model.
    #[error(
        "expected a `.safetensors`, a `.safetensors.index.json` or a `.model.json` file, or a \
         folder with such"
    )]
    UnknownKind,
    /// The file is of a kind that can be converted.
    #[error("a `.{extension}` file has to be converted to `.safetensors` first; {how}")]
    Conversion {
        /// The end of the file's name.
        extension: String,
        /// How to convert it.
        how: &'static str,
    },
    /// No file in the folder describes a model.
    #[error("this folder has no `.safetensors` file and no `.model.json` file")]
    EmptyFolder,
    /// The folder has several descriptions, of which none is the usual one.
    #[error("this folder has several `.model.json` files; name one of them")]
    ManyDescriptions,
    /// There is no such file or folder.
    #[error("there is no such file or folder")]
    Missing,
    /// The file is no index of shards.
    #[error("not an index of shards: {0}")]
    Index(String),
    /// The index of a sharded checkpoint has a tensor in a file that does not have it.
    #[error("the index has `{0}` in this file, which does not have it")]
    NotInShard(String),
    /// The text is not JSON of the right shape.
    #[error("not a model description: {0}")]
    Json(String),
    /// The header of a safetensors file is invalid.
    #[error("not a safetensors file: {0}")]
    Header(String),
    /// The file ends before the data that its header names.
    #[error(
        "the file ends after {0} bytes, but its header names {1} bytes; was the download \
         interrupted?"
    )]
    CutOff(u64, u64),
    /// The file goes on after the data that its header names.
    #[error("the file has {0} bytes, but its header names only {1} bytes")]
    LeftOver(u64, u64),
    /// The file is the pointer that Git LFS has in the place of a large file.
    #[error("the file was not downloaded: Git LFS has a pointer in its place; run `git lfs pull`")]
    LfsPointer,
    /// The description has an unsupported format.
    #[error("format {0} of the description is not supported, only format 1 is")]
    Format(u64),
    /// A tensor's name, or a segment of it, is empty.
    #[error("the name `{0}` has an empty segment")]
    EmptyName(String),
    /// Two tensors have the same name.
    #[error("two tensors have the name `{0}`")]
    NameTwice(String),
    /// The number of elements overflows.
    #[error("with `{0}`, the model has more elements than can be counted")]
    TooLarge(String),
    /// `same_as` names a tensor of another shape or role.
    #[error("`{0}` cannot be the same as `{1}`, which has another shape or role")]
    NotSame(String, String),
    /// `same_as` names no earlier tensor.
    #[error("`{0}` cannot be the same as `{1}`, which is not before it in the description")]
    UnknownSame(String, String),
}

impl From<serde_json::Error> for ModelError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

impl ModelError {
    /// The error with the file that it is in.
    pub(super) fn in_file(self, path: &Path) -> Self {
        Self::InFile(path.display().to_string(), Box::new(self))
    }
}
