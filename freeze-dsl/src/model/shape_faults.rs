//! What a JSON text about tensors lacks, in plain words.

use std::str::FromStr;

use serde_json::{Map, Value};

/// Why a text is not JSON, or not of the shape that is required. `expected` is what it should be,
/// `find` looks for what it lacks, and `otherwise` is the reader's own reason.
pub(super) fn fault(
    text: &str,
    expected: &str,
    find: impl FnOnce(&Map<String, Value>) -> Option<String>,
    otherwise: &serde_json::Error,
) -> String {
    match serde_json::from_str(text) {
        Err(error) => {
            format!("this is not JSON, from line {}, column {}", error.line(), error.column())
        }
        Ok(Value::Object(map)) => find(&map).unwrap_or_else(|| otherwise.to_string()),
        Ok(other) => format!("expected {expected}, found {}", kind(&other)),
    }
}

/// What the header of a safetensors file lacks.
pub(super) fn of_header(header: &Map<String, Value>) -> Option<String> {
    header.iter().find_map(|(name, value)| match (name.as_str(), value) {
        ("__metadata__", Value::Object(texts)) => texts.iter().find_map(|(key, value)| {
            let is_text = value.is_string();
            (!is_text).then(|| format!("`{key}` of `__metadata__` is {}, not a text", kind(value)))
        }),
        ("__metadata__", other) => {
            Some(format!("`__metadata__` is {}, not an object", kind(other)))
        }
        (_, Value::Object(tensor)) => of_weights(name, tensor),
        (_, other) => Some(format!("`{name}` is {}, not a tensor's description", kind(other))),
    })
}

fn of_weights(name: &str, tensor: &Map<String, Value>) -> Option<String> {
    of_shape(name, tensor)
        .or_else(|| of_text(name, tensor, "dtype"))
        .or_else(|| {
            let dtype = tensor.get("dtype")?;
            let known = serde_json::from_value::<safetensors::Dtype>(dtype.clone());
            let written = dtype.as_str()?;
            known.err().map(|_| format!("`{written}`, the `dtype` of `{name}`, is not known"))
        })
        .or_else(|| match tensor.get("data_offsets") {
            None => Some(format!("`{name}` has no `data_offsets`")),
            Some(Value::Array(ends)) if ends.len() == 2 && ends.iter().all(Value::is_u64) => None,
            Some(_) => {
                Some(format!("the `data_offsets` of `{name}` are not two whole numbers from 0"))
            }
        })
}

/// What a `.model.json` file lacks.
pub(super) fn of_description(file: &Map<String, Value>) -> Option<String> {
    match file.get("format") {
        None => return Some("missing field `format`".to_owned()),
        Some(format) if !format.is_u64() => {
            return Some(format!("`format` is {}, not a whole number", kind(format)));
        }
        Some(_) => {}
    }
    let tensors = match file.get("tensors") {
        None => return Some("missing field `tensors`".to_owned()),
        Some(Value::Array(tensors)) => tensors,
        Some(other) => return Some(format!("`tensors` is {}, not a list", kind(other))),
    };
    (1_usize..).zip(tensors).find_map(|(number, tensor)| {
        let Value::Object(tensor) = tensor else {
            return Some(format!("tensor {number} is {}, not an object", kind(tensor)));
        };
        let Some(name) = tensor.get("name") else {
            return Some(format!("tensor {number} has no `name`"));
        };
        let Some(name) = name.as_str() else {
            return Some(format!("the `name` of tensor {number} is {}, not a text", kind(name)));
        };
        of_shape(name, tensor).or_else(|| of_text(name, tensor, "dtype")).or_else(|| {
            of_text(name, tensor, "role").or_else(|| {
                let role = tensor.get("role")?.as_str()?;
                (!matches!(role, "parameter" | "buffer")).then(|| {
                    format!("the `role` of `{name}` is `{role}`, not `parameter` or `buffer`")
                })
            })
        })
    })
}

/// What an index of shards lacks.
pub(super) fn of_index(index: &Map<String, Value>) -> Option<String> {
    match index.get("weight_map") {
        None => Some("missing field `weight_map`".to_owned()),
        Some(Value::Object(map)) => map.iter().find_map(|(name, file)| {
            let is_text = file.is_string();
            (!is_text).then(|| format!("the file of `{name}` is {}, not a text", kind(file)))
        }),
        Some(other) => Some(format!("`weight_map` is {}, not an object", kind(other))),
    }
}

fn of_shape(name: &str, tensor: &Map<String, Value>) -> Option<String> {
    let sizes = match tensor.get("shape") {
        None => return Some(format!("`{name}` has no `shape`")),
        Some(Value::Array(sizes)) => sizes,
        Some(other) => return Some(format!("the `shape` of `{name}` is {}", kind(other))),
    };
    let wrong = sizes.iter().find(|size| usize::from_str(&size.to_string()).is_err())?;
    Some(format!("the `shape` of `{name}` has {wrong}, which is not a whole number from 0"))
}

fn of_text(name: &str, tensor: &Map<String, Value>, field: &str) -> Option<String> {
    match tensor.get(field) {
        None => Some(format!("`{name}` has no `{field}`")),
        Some(Value::String(_)) => None,
        Some(other) => Some(format!("the `{field}` of `{name}` is {}, not a text", kind(other))),
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
