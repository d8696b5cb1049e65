//! What a cache has done so far.

/// How many samples a [`FeatureCache`](crate::FeatureCache) has handled, each counted at each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Samples whose stored features were returned.
    pub reused: u64,
    /// Samples whose features were computed.
    pub computed: u64,
    /// Those of the computed ones that were not stored, because the budget was full or storing had
    /// failed.
    pub refused: u64,
    /// How often stored features were dropped, because the prefix may have changed.
    pub cleared: u64,
}
