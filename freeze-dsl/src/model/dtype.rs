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

/// The name of a type that can train, where PyTorch's or another spelling is written for it.
pub(super) fn meant(written: &str) -> Option<&'static str> {
    let lower = written.to_ascii_lowercase();
    let name = match lower.strip_prefix("torch.").unwrap_or(&lower) {
        "float16" | "half" => "f16",
        "bfloat16" => "bf16",
        "float32" | "float" => "f32",
        "float64" | "double" => "f64",
        other => TRAINABLE.into_iter().find(|name| *name == other)?,
    };
    (name != written).then_some(name)
}
