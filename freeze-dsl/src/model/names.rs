//! The role of a tensor, as its name says it.

/// The module of a tensor, and the word by which the tensor's role in it is read: its last segment,
/// without the `__8` that tch appends where a module has two variables of one name.
pub(crate) fn role_of(name: &str) -> (&str, &str) {
    let (module, last) = split(name);
    let word = match last.rsplit_once("__") {
        Some((word, number)) if is_number(number) && !word.is_empty() => word,
        _ => last,
    };
    (module, word)
}

/// A path's module and its last segment.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Whether a segment of a name is a number.
pub(crate) fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|sign| sign.is_ascii_digit())
}

/// Whether a role is that of a running statistic, by `PyTorch`'s names.
pub(super) fn is_statistic(role: &str) -> bool {
    matches!(role, "running_mean" | "running_var" | "num_batches_tracked")
}

/// Whether a role is that of a buffer, by the names in PyTorch and transformers: running statistics,
/// and what a network computes or counts by itself.
pub(super) fn is_buffer(role: &str) -> bool {
    is_statistic(role) || BUFFERS.contains(&role)
}

/// Names of buffers that hold floating-point numbers; those of other types are buffers anyway.
const BUFFERS: [&str; 12] = [
    // Rotary position embeddings.
    "inv_freq",
    "original_inv_freq",
    "cos_cached",
    "sin_cached",
    "freqs_cis",
    // Masks of attention.
    "attn_mask",
    "masked_bias",
    // The balance of experts.
    "e_score_correction_bias",
    "balancing_biases",
    // Codebooks that follow a moving average.
    "cluster_size",
    "embed_avg",
    "inited",
];

/// Whether a role is that of a weight; `gamma` is the old name of a normalisation's.
pub(crate) fn is_weight(role: &str) -> bool {
    matches!(role, "weight" | "gamma")
}

/// Whether a role is that of a bias; `beta` is the old name of a normalisation's.
pub(crate) fn is_bias(role: &str) -> bool {
    matches!(role, "bias" | "beta")
}

#[cfg(test)]
mod tests {
    use super::role_of;

    #[test]
    fn a_number_that_tch_appends_is_no_part_of_a_role() {
        for (name, role) in [
            ("bn.running_mean__8", ("bn", "running_mean")),
            ("p.bias__3", ("p", "bias")),
            ("bias__3", ("", "bias")),
            ("a.b.weight", ("a.b", "weight")),
            ("a.weight__", ("a", "weight__")),
            ("a.weight__v2", ("a", "weight__v2")),
            ("a.weight_8", ("a", "weight_8")),
            ("a.__8", ("a", "__8")),
        ] {
            assert_eq!(role_of(name), role);
        }
    }
}
