//! Ready-made selections, such as `@biases`.

use std::collections::HashMap;

use crate::model::{Model, ParamId};

/// A ready-made selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadyMade {
    /// Every parameter.
    All,
    /// Those whose last segment is `bias`.
    Biases,
    /// Those of at most one dimension.
    Vectors,
    /// The parameters of normalisation modules.
    Norms,
    /// The trainable parameters, as of just before the rule.
    Trainable,
    /// The frozen parameters, as of just before the rule.
    Frozen,
}

impl ReadyMade {
    pub(crate) const ALL: [Self; 6] =
        [Self::All, Self::Biases, Self::Vectors, Self::Norms, Self::Trainable, Self::Frozen];

    /// The name after the `@`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Biases => "biases",
            Self::Vectors => "vectors",
            Self::Norms => "norms",
            Self::Trainable => "trainable",
            Self::Frozen => "frozen",
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|named| named.word() == word)
    }

    /// Whether it selects a parameter's name. `@trainable` and `@frozen` depend on the rule, not on
    /// the model, and select nothing here.
    pub(super) fn selects(self, model: &Model) -> impl Fn(&str, ParamId) -> bool {
        let norms = if self == Self::Norms { norms(model) } else { HashMap::new() };
        move |name, parameter| match self {
            Self::All => true,
            Self::Biases => split(name).1 == "bias",
            Self::Vectors => model
                .parameters()
                .get(parameter.index())
                .is_some_and(|known| known.shape.len() <= 1),
            Self::Norms => norms.get(split(name).0).copied().unwrap_or_default(),
            Self::Trainable | Self::Frozen => false,
        }
    }
}

/// A path's module and its last segment.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// For each module with parameters, whether it is a normalisation: one with running statistics, or
/// one with such a name whose parameters are all vectors named `weight` or `bias`.
fn norms(model: &Model) -> HashMap<&str, bool> {
    let mut modules: HashMap<&str, bool> = HashMap::new();
    for parameter in model.parameters() {
        for name in parameter.names() {
            let (module, last) = split(name);
            let plain = parameter.shape.len() <= 1 && matches!(last, "weight" | "bias");
            let known = modules.entry(module).or_insert_with(|| is_norm_name(split(module).1));
            *known &= plain;
        }
    }
    for normalisation in model.normalisations() {
        if let Some(known) = modules.get_mut(normalisation.module.as_str()) {
            *known = true;
        }
    }
    modules
}

/// Whether a module's own name has `norm`, `bn` or `ln` as a word part: `bn1`, `ln_f`,
/// `LayerNorm`, `final_layer_norm`, `batchnorm`; not `enormous`.
fn is_norm_name(name: &str) -> bool {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        let begins = character.is_ascii_uppercase() && was_lower;
        if !character.is_ascii_alphabetic() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_ascii_alphabetic()) {
            word.push(character.to_ascii_lowercase());
        }
        was_lower = character.is_ascii_lowercase();
    }
    words.iter().any(|word| {
        matches!(word.as_str(), "bn" | "ln") || word.starts_with("norm") || word.ends_with("norm")
    })
}

#[cfg(test)]
mod tests {
    use super::is_norm_name;

    #[test]
    fn names_of_normalisations() {
        for name in
            ["bn1", "ln_f", "LayerNorm", "layer_norm", "norm", "batchnorm", "norm2", "q_norm"]
        {
            assert!(is_norm_name(name), "{name}");
        }
        for name in ["enormous", "bnb", "mln", "fc", "", "0", "conv1"] {
            assert!(!is_norm_name(name), "{name}");
        }
    }
}
