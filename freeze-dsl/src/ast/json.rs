//! The tree as JSON.

use serde::{Serialize, Serializer};

use super::{Item, Tree};
use crate::json::Format;
use crate::source::Spanned;

/// A policy as it was written, before names are looked up.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct TreeJson<'t> {
    format: Format,
    /// The statements, in order; those that do not parse are missing.
    items: &'t [Spanned<Item>],
    /// The places of its Rust expressions, in the order of their numbers.
    rust: &'t [Spanned<()>],
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        TreeJson { format: Format, items: &self.items, rust: &self.rust }.serialize(to)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Tree {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ast".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        TreeJson::json_schema(generator)
    }
}
