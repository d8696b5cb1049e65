//! Errors in a model's description.

/// Why a model's description cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// An error in this file.
    #[error("{0}: {1}")]
    InFile(String, #[source] Box<ModelError>),
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file is neither a `.safetensors` nor a `.model.json` file.
    #[error("expected a `.safetensors` or a `.model.json` file")]
    UnknownKind,
    /// The text is not JSON of the right shape.
    #[error("not a model description: {0}")]
    Json(#[from] serde_json::Error),
    /// The header of a safetensors file is invalid.
    #[error("not a safetensors file: {0}")]
    Header(String),
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
