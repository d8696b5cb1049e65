//! The errors of loading weights.

use std::fmt;
use std::io;
use std::path::PathBuf;

use freeze_dsl::diagnostic::Findings;
use freeze_dsl::model::ModelError;

/// Weights that cannot be loaded into a model. Nothing is written then.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The files are missing, or are not weights.
    #[error("{0}")]
    Files(ModelError),
    /// The file describes a model, and has no weights.
    #[error("`{}` describes a model, and has no weights: open its `.safetensors` file", .0.display())]
    Description(PathBuf),
    /// A file cannot be read, or is shorter than its header says.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// No tensor is called as [`Weights::strip_prefix`](crate::Weights::strip_prefix) or
    /// [`Weights::rename`](crate::Weights::rename) says.
    #[error("no tensor of the weights lies under `{path}`{help}")]
    NoSuchPath {
        /// The path.
        path: String,
        /// What to write instead, if that is known.
        help: String,
    },
    /// Two tensors of the weights have one name after they are renamed.
    #[error(
        "`{first}` and `{second}` of the weights are both called `{name}` after they are renamed"
    )]
    Twice {
        /// The name.
        name: String,
        /// The name of one of them in its file.
        first: String,
        /// The name of the other one.
        second: String,
    },
    /// The selector of [`Weights::allow_missing`](crate::Weights::allow_missing) is invalid or selects
    /// nothing in this model.
    #[error("the selector of `allow_missing`:\n\n{0}")]
    Selector(Findings),
    /// Elements of a variable share memory, so that it cannot be written to.
    #[error(
        "elements of `{0}` share memory, so that nothing can be written to it: register a copy of \
         it, as `.copy()` makes one"
    )]
    Expanded(String),
    /// Names, shapes or dtypes do not match.
    #[error(transparent)]
    Mismatch(WeightsMismatch),
}

debug_as_display!(WeightsError);

/// How weights and a model differ. Prints each difference, with the nearest names.
#[derive(Clone, PartialEq, Eq, Default, thiserror::Error)]
#[non_exhaustive]
pub struct WeightsMismatch {
    /// The names of the model that the weights do not have, each with the nearest of the weights that
    /// the model does not have.
    pub missing: Vec<(String, Option<String>)>,
    /// The names of the weights that the model does not have.
    pub unexpected: Vec<String>,
    /// The tensors of another shape.
    pub shapes: Vec<ShapeMismatch>,
    /// The tensors of another dtype.
    pub dtypes: Vec<DtypeMismatch>,
    /// What to write if the difference is meant, or if the names only have another prefix.
    pub help: Vec<String>,
}

/// A tensor that has another shape in the weights than in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeMismatch {
    /// Its name in the model.
    pub name: String,
    /// Its shape in the weights.
    pub weights: Vec<usize>,
    /// Its shape in the model.
    pub model: Vec<usize>,
}

/// A tensor that has another dtype in the weights than in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DtypeMismatch {
    /// Its name in the model.
    pub name: String,
    /// Its dtype in the weights, as safetensors writes it in lower case: `bf16`.
    pub weights: String,
    /// Its dtype in the model.
    pub model: String,
}

debug_as_display!(WeightsMismatch);

impl WeightsMismatch {
    pub(crate) const fn is_empty(&self) -> bool {
        self.missing.is_empty()
            && self.unexpected.is_empty()
            && self.shapes.is_empty()
            && self.dtypes.is_empty()
    }
}

impl fmt::Display for WeightsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the weights do not fit the model:\n")?;
        let missing = self.missing.iter().map(|(name, nearest)| match nearest {
            Some(nearest) => format!("`{name}` (the weights have `{nearest}`)"),
            None => format!("`{name}`"),
        });
        write_list(f, "of the model missing in the weights", missing)?;
        let unexpected = self.unexpected.iter().map(|name| format!("`{name}`"));
        write_list(f, "of the weights not in the model", unexpected)?;
        let shapes = self.shapes.iter().map(|ShapeMismatch { name, weights, model }| {
            format!("`{name}` is {weights:?} in the weights and {model:?} in the model")
        });
        write_list(f, "of another shape", shapes)?;
        let dtypes = self.dtypes.iter().map(|DtypeMismatch { name, weights, model }| {
            format!("`{name}` is {weights} in the weights and {model} in the model")
        });
        write_list(f, "of another dtype", dtypes)?;
        self.help.iter().try_for_each(|help| write!(f, "\nhelp: {help}"))
    }
}

/// Writes the first of many lines, below their number.
fn write_list(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    lines: impl ExactSizeIterator<Item = String>,
) -> fmt::Result {
    const MOST: usize = 10;
    let count = lines.len();
    if count == 0 {
        return Ok(());
    }
    let tensors = if count == 1 { "tensor" } else { "tensors" };
    write!(f, "\n{count} {tensors} {what}:")?;
    for line in lines.take(MOST) {
        write!(f, "\n  {line}")?;
    }
    match count.checked_sub(MOST).filter(|more| *more > 0) {
        Some(more) => write!(f, "\n  and {more} more"),
        None => Ok(()),
    }
}
