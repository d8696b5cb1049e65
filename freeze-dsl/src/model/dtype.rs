//! Which types of elements can train.

/// The types of floating-point numbers of 16 bits and more, and of complex numbers of such.
const TRAINABLE: [&str; 7] = ["f16", "bf16", "f32", "f64", "c32", "c64", "c128"];

/// How many bytes an element of a type that can train has.
pub(crate) fn element_bytes(dtype: &str) -> usize {
    match dtype {
        "f16" | "bf16" => 2,
        "f64" | "c64" => 8,
        "c128" => 16,
        _ => 4,
    }
}

/// Whether a tensor of this type can train. Integers, booleans, 8-bit floats and packed weights
/// have no gradient.
#[must_use]
pub fn can_train(dtype: &str) -> bool {
    TRAINABLE.contains(&dtype)
}
