//! `.model.json`: a model's description as JSON.

use serde::{Deserialize, Serialize};

use super::{Model, ModelError, Tensor};

const FORMAT: u64 = 1;

#[derive(Serialize)]
struct Written<'m> {
    format: u64,
    tensors: &'m [Tensor],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: u64,
    tensors: Vec<Tensor>,
}

/// The format comes first: a newer file may have fields that this program does not know.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

pub(super) fn read(text: &str) -> Result<Model, ModelError> {
    let Version { format } = serde_json::from_str(text)?;
    if format != FORMAT {
        return Err(ModelError::Format(format));
    }
    let file: Read = serde_json::from_str(text)?;
    Model::new(file.tensors)
}

pub(super) fn write(model: &Model) -> Result<String, ModelError> {
    Ok(serde_json::to_string(&Written { format: FORMAT, tensors: model.tensors() })?)
}
