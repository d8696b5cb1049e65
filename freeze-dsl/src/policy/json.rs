//! A policy as JSON: its text, and the numbers that the program gave. The text says all the rest,
//! so that nothing in the JSON can contradict anything else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{OverrideError, Policy};
use crate::analysis::Analysis;
use crate::json::{self, Format, Real};
use crate::parse;
use crate::source::Source;
use crate::unroll::Given;

/// A checked policy: its text, and the numbers that the program gave.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Written<'p> {
    format: Format,
    /// What messages call the policy: a file's path, for most.
    name: Cow<'p, str>,
    /// The number, from 1, of the text's first line in its file.
    first_line: NonZeroU32,
    /// The text.
    text: Cow<'p, str>,
    /// The values that the program gave to numbers which a `let` defines.
    #[serde(default)]
    numbers: BTreeMap<Cow<'p, str>, Real>,
    /// The values of its Rust expressions, in the order in which they stand; only a policy that
    /// was written in a program has this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rust: Option<Vec<Real>>,
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Given { names, rust, allows_rust } = &self.given;
        let numbers = names.iter().map(|(name, value)| (name.as_ref().into(), (*value).into()));
        Written {
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

/// Reads a policy that was written before, and checks it as any text is checked.
impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written: Written<'static> = json::read(from)?;
        read(written).map_err(D::Error::custom)
    }
}

/// Why what was written is no policy.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the policy is wrong\n\n{0}")]
    Policy(#[from] crate::diagnostic::Findings),
    #[error(transparent)]
    Number(#[from] OverrideError),
    #[error("the policy has {0} Rust expressions, and values for {1} of them are given")]
    Rust(usize, usize),
}

fn read(written: Written<'static>) -> Result<Policy, ReadError> {
    let Written { format: Format, name, first_line, text, numbers, rust } = written;
    let first_line = usize::try_from(first_line.get()).unwrap_or(1);
    let source = Source::named(name, text).at_line(first_line);
    let (tree, syntax) = parse::parse(source.text());
    let mut policy = match rust {
        None => Policy::from_checked(source, tree),
        Some(values) if values.len() == tree.rust.len() => {
            Policy::evaluated(source, tree, values.into_iter().map(f64::from).collect())
        }
        Some(values) => return Err(ReadError::Rust(tree.rust.len(), values.len())),
    };
    for (name, value) in numbers {
        policy.give(&name, value.into())?;
    }
    Ok(Analysis::read(policy, syntax).into_policy()?)
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Policy {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}
