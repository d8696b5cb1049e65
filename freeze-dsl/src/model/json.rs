//! `.model.json`: a model's description as JSON.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Model, ModelError, Tensor, dtype, shape_faults};
use crate::json::Format;

/// A model: names, shapes, types and roles of its tensors.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ModelJson<'m> {
    format: Format,
    /// What the order of the tensors is, if it is known to mean something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<TensorOrder>,
    /// Its tensors, in the model's order.
    tensors: Cow<'m, [Tensor]>,
}

/// The order of a model's tensors.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum TensorOrder {
    /// As the data flows through the network.
    Network,
}

/// Read first: a newer format may have fields that are unknown here.
#[derive(Deserialize)]
struct ModelVersion {
    format: u64,
}

pub(super) fn read(text: &str) -> Result<Model, ModelError> {
    // Some editors begin a text with a byte order mark.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let fault = |error: serde_json::Error| {
        let expected = "an object with `format` and `tensors`";
        ModelError::Json(shape_faults::fault(text, expected, shape_faults::of_description, &error))
    };
    let ModelVersion { format } = serde_json::from_str(text).map_err(fault)?;
    if format != Format::VERSION {
        return Err(ModelError::Format(format));
    }
    let file: ModelJson<'static> = serde_json::from_str(text).map_err(fault)?;
    for Tensor { name, dtype, .. } in &*file.tensors {
        // It would be a buffer, as a tensor of any type that is not known.
        if let Some(meant) = dtype::meant(dtype) {
            let fault = format!("the `dtype` of `{name}` is `{dtype}`; write `{meant}`");
            return Err(ModelError::Json(fault));
        }
    }
    let model = Model::new(file.tensors.into_owned())?;
    Ok(match file.order {
        Some(TensorOrder::Network) => model.in_network_order(),
        None => model,
    })
}

pub(super) fn write(model: &Model) -> Result<String, ModelError> {
    let tensors = Cow::Borrowed(model.tensors());
    let order = model.is_network_order().then_some(TensorOrder::Network);
    Ok(serde_json::to_string(&ModelJson { format: Format, order, tensors })?)
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Model {
    fn schema_name() -> Cow<'static, str> {
        "Model".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ModelJson::json_schema(generator)
    }
}
