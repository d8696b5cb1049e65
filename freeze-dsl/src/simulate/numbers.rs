//! The numbers of an optimizer, as records write them.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ir::{Optimizer, OptimizerNumber};

/// Numbers and flags of an optimizer by their names, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerNumbers(pub Vec<(String, OptimizerNumber)>);

impl OptimizerNumbers {
    /// All numbers of an optimizer.
    pub(super) fn of(optimizer: &Optimizer) -> Self {
        let numbers = optimizer.numbers().into_iter();
        Self(numbers.map(|(name, number)| (name.to_owned(), number)).collect())
    }

    /// The numbers that differ between two optimizers of one kind.
    pub(super) fn changed(before: &Optimizer, now: &Optimizer) -> Self {
        let numbers = before.numbers().into_iter().zip(now.numbers());
        let changed = numbers.filter(|(before, now)| before != now);
        Self(changed.map(|(_, (name, number))| (name.to_owned(), number)).collect())
    }

    /// The optimizer with these numbers; fails if it has not one of them.
    pub(super) fn applied_to(&self, optimizer: &Optimizer) -> Result<Optimizer, String> {
        self.0.iter().try_fold(*optimizer, |optimizer, (name, number)| {
            optimizer
                .with_named(name, *number)
                .ok_or_else(|| format!("`{}` has no number `{name}`", optimizer.name()))
        })
    }
}

impl Serialize for OptimizerNumbers {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, number)| (name, number)))
    }
}

impl<'de> Deserialize<'de> for OptimizerNumbers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(InOrder)
    }
}

/// Reads a map in its order.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = OptimizerNumbers;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("numbers by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = from.next_entry()? {
            all.push(entry);
        }
        Ok(OptimizerNumbers(all))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for OptimizerNumbers {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OptimizerNumbers".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        std::collections::BTreeMap::<String, OptimizerNumber>::json_schema(generator)
    }
}
