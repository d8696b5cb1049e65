//! The selections that the language has names for.

use std::collections::HashMap;

use crate::model::Model;

/// A selection that the language has a name for.
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
    /// What trains just before the rule.
    Trainable,
    /// What is frozen just before the rule.
    Frozen,
}

impl ReadyMade {
    pub(crate) const ALL: [Self; 6] =
        [Self::All, Self::Biases, Self::Vectors, Self::Norms, Self::Trainable, Self::Frozen];

    /// As it is written behind the `@`.
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

    /// Whether it selects a name of a parameter. What trains depends on the rule, not on the
    /// model, and is not known here.
    pub(super) fn selects(self, model: &Model) -> impl Fn(&str, usize) -> bool {
        let norms = if self == Self::Norms { norms(model) } else { HashMap::new() };
        move |name, parameter| match self {
            Self::All => true,
            Self::Biases => split(name).1 == "bias",
            Self::Vectors => {
                model.parameters().get(parameter).is_some_and(|known| known.shape.len() <= 1)
            }
            Self::Norms => norms.get(split(name).0).copied().unwrap_or_default(),
            Self::Trainable | Self::Frozen => false,
        }
    }
}

/// A path's module and its last segment.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// For each module that holds parameters, whether it is a normalisation: one with running
/// statistics, or one whose own name says so and whose every parameter is a vector called
/// `weight` or `bias`.
fn norms(model: &Model) -> HashMap<&str, bool> {
    let mut modules: HashMap<&str, bool> = HashMap::new();
    for parameter in model.parameters() {
        for name in parameter.names() {
            let (module, last) = split(name);
            let plain = parameter.shape.len() <= 1 && matches!(last, "weight" | "bias");
            let known = modules.entry(module).or_insert_with(|| says_norm(split(module).1));
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

/// Whether a module's own name has `norm`, `bn` or `ln` as a part of it: `bn1`, `ln_f`,
/// `LayerNorm`, `final_layer_norm`, `batchnorm`; not `enormous`.
fn says_norm(name: &str) -> bool {
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
    use super::says_norm;

    #[test]
    fn names_of_normalisations() {
        for name in
            ["bn1", "ln_f", "LayerNorm", "layer_norm", "norm", "batchnorm", "norm2", "q_norm"]
        {
            assert!(says_norm(name), "{name}");
        }
        for name in ["enormous", "bnb", "mln", "fc", "", "0", "conv1"] {
            assert!(!says_norm(name), "{name}");
        }
    }
}
