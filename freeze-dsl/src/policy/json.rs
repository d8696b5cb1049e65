//! A policy as JSON: its text and the numbers that the program overrides. Everything else follows
//! from the text, so that the JSON cannot contradict itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize, Serializer};

use super::Policy;
use crate::ir::Overrides;
use crate::json::{Format, Real};

/// A checked policy: its text, and the numbers that the program overrides.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyJson<'p> {
    pub(crate) format: Format,
    /// The name of the policy in messages, usually the path of its file.
    pub(crate) name: Cow<'p, str>,
    /// The number, from 1, of the text's first line in its file.
    pub(crate) first_line: NonZeroU32,
    /// The text.
    pub(crate) text: Cow<'p, str>,
    /// The numbers that the program overrides, by the names that `let` defines.
    #[serde(default)]
    pub(crate) numbers: BTreeMap<Cow<'p, str>, Real>,
    /// The values of its Rust expressions, in the order of the text; only a policy that is written
    /// in a program has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rust: Option<Vec<Real>>,
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Overrides { names, rust, allows_rust } = &self.overrides;
        let numbers = names.iter().map(|(name, value)| (name.as_ref().into(), (*value).into()));
        PolicyJson {
            format: Format,
            name: Cow::Borrowed(self.source.name()),
            first_line: u32::try_from(self.source.first_line())
                .ok()
                .and_then(NonZeroU32::new)
                .unwrap_or(NonZeroU32::MIN),
            text: Cow::Borrowed(self.source.text()),
            numbers: numbers.collect(),
            rust: allows_rust.then(|| rust.iter().copied().map(Real::from).collect()),
        }
        .serialize(to)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Policy {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        PolicyJson::json_schema(generator)
    }
}
