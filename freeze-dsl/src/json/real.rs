//! Numbers that JSON lacks: infinities and NaN.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A finite number, or the name of one that JSON lacks.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(untagged)]
pub(crate) enum Real {
    Finite(f64),
    NonFinite(NonFinite),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub(crate) enum NonFinite {
    #[serde(rename = "inf")]
    Infinity,
    #[serde(rename = "-inf")]
    NegativeInfinity,
    #[serde(rename = "nan")]
    NotANumber,
}

impl From<f64> for Real {
    fn from(value: f64) -> Self {
        match value {
            f64::INFINITY => Self::NonFinite(NonFinite::Infinity),
            f64::NEG_INFINITY => Self::NonFinite(NonFinite::NegativeInfinity),
            value if value.is_nan() => Self::NonFinite(NonFinite::NotANumber),
            value => Self::Finite(value),
        }
    }
}

impl From<Real> for f64 {
    fn from(real: Real) -> Self {
        match real {
            Real::Finite(value) => value,
            Real::NonFinite(NonFinite::Infinity) => Self::INFINITY,
            Real::NonFinite(NonFinite::NegativeInfinity) => Self::NEG_INFINITY,
            Real::NonFinite(NonFinite::NotANumber) => Self::NAN,
        }
    }
}

/// For `serialize_with`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
pub(crate) fn real<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    Real::from(*value).serialize(to)
}

/// For `serialize_with`.
#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
pub(crate) fn optional_real<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    value.map(Real::from).serialize(to)
}

/// For `deserialize_with`.
pub(crate) fn from_real<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Real::deserialize(from).map(f64::from)
}

/// For `deserialize_with`.
pub(crate) fn from_optional_real<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Real>::deserialize(from)?.map(f64::from))
}
