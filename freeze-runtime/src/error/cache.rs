//! The errors of caching features.

use std::fmt;
use std::io;
use std::path::PathBuf;

use tch::{Device, Kind};

/// Features that a [`FeatureCache`](crate::FeatureCache) cannot store or return. What it has stored
/// before stays stored.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// A batch has a sample twice.
    #[error("sample {0} is twice in one batch: a batch of a feature cache has each id once")]
    DuplicateId(i64),
    /// A batch has another number of samples than ids were given or were missing.
    #[error("{what} of {found} samples, for {expected} ids")]
    BatchSize {
        /// What has another number.
        what: &'static str,
        /// The number of ids.
        expected: usize,
        /// The number of samples.
        found: i64,
    },
    /// The features of a sample differ in shape, dtype or device from those that are stored.
    #[error(
        "features of {found} a sample, where the first ones were {first}: use a cache for each"
    )]
    Mismatch {
        /// Those that were stored first.
        first: FeatureType,
        /// Those that were computed now.
        found: FeatureType,
    },
    /// The features depend on parameters that the selectors do not select.
    #[error(
        "the features of `{selectors}` also depend on {}: select every module that they pass through",
        first_of(parameters)
    )]
    DependsOnOthers {
        /// The selectors.
        selectors: String,
        /// The names of the other parameters.
        parameters: Vec<String>,
    },
    /// The features depend on an input that requires gradients.
    #[error(
        "the features of `{0}` depend on an input that requires gradients, which stored features \
         cannot have: detach it"
    )]
    RequiresGrad(String),
    /// Computing the features writes to a buffer that they depend on.
    #[error(
        "the features depend on the buffer `{0}`, which computing them changes, so that those of a \
         sample depend on other samples: a norm outside of the prefix needs `forward_t(…, false)`"
    )]
    WritesBuffer(String),
    /// A norm normalised by the statistics of the batch, so that the features of a sample depend on the
    /// other samples.
    #[error(
        "the frozen norm `{0}` normalised by the statistics of the batch, so that the features of a \
         sample depend on the other samples: use the norms of `freeze_runtime::nn`, or \
         `forward_t(…, false)`"
    )]
    BatchStatistics(String),
    /// Features of this dtype cannot be stored, or not in that one.
    #[error("features of kind {0:?} cannot be stored as {1:?}")]
    Kind(Kind, Kind),
    /// The file of the cache cannot be read or written.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

debug_as_display!(CacheError);

/// The dtype, shape and device of the features of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeatureType {
    /// The dtype.
    pub kind: Kind,
    /// The dimensions after that of the samples.
    pub shape: Vec<i64>,
    /// The device.
    pub device: Device,
}

impl fmt::Display for FeatureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} on {:?}", self.kind, self.shape, self.device)
    }
}

/// The first of some names, and how many more there are.
fn first_of(names: &[String]) -> String {
    let first = names.first().map_or("", String::as_str);
    match names.len() {
        0 | 1 => format!("`{first}`"),
        count => format!("`{first}` and {} more", count - 1),
    }
}
