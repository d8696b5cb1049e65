//! What can be wrong with a model's description.

/// Why a model's description cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Something is wrong in this file.
    #[error("{0}: {1}")]
    InFile(String, #[source] Box<ModelError>),
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file's name does not say what it is.
    #[error("a model is described by a `.safetensors` or a `.model.json` file")]
    UnknownKind,
    /// The text is not JSON of the right shape.
    #[error("this is no model description: {0}")]
    Json(#[from] serde_json::Error),
    /// The header of a safetensors file is broken.
    #[error("this is no safetensors file: {0}")]
    Header(String),
    /// The description is of a format that is not known.
    #[error("format {0} of the description is not known, only format 1 is")]
    Format(u64),
    /// A tensor's name, or a segment of it, is empty.
    #[error("a tensor is called `{0}`: every segment of a name has at least one character")]
    EmptyName(String),
    /// Two tensors have one name.
    #[error("two tensors are called `{0}`")]
    NameTwice(String),
    /// A shape has more numbers than can be counted.
    #[error("with `{0}` the model has more numbers than can be counted")]
    TooLarge(String),
    /// `same_as` names something else.
    #[error("`{0}` is said to be the same as `{1}`, which has another shape or role")]
    NotSame(String, String),
    /// `same_as` names nothing.
    #[error("`{0}` is said to be the same as `{1}`, which does not stand before it")]
    UnknownSame(String, String),
}
