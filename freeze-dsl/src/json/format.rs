//! The format version of JSON on disk.

use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// A field `"format":1`. Reading any other version is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format;

impl Format {
    /// The version that this program writes; it reads no other.
    pub(crate) const VERSION: u64 = 1;
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::VERSION.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u64::deserialize(from)? {
            Self::VERSION => Ok(Self),
            other => Err(D::Error::custom(format!(
                "format {other} is not supported, only format {} is",
                Self::VERSION
            ))),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Format {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "The version of this format.", "const": Self::VERSION })
    }
}

/// Reads a value with a format version, and checks the version first: a newer format may have
/// fields that are unknown here.
pub(crate) fn read<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "format")]
        _format: Format,
    }
    let value = Value::Object(Map::deserialize(from)?);
    Version::deserialize(&value).map_err(D::Error::custom)?;
    T::deserialize(value).map_err(D::Error::custom)
}
