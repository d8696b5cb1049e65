//! Ready-made selections, such as `@biases`.

use std::collections::{HashMap, HashSet};

use crate::model::{Model, ParamId, is_bias, is_number, is_weight, role_of};

/// A ready-made selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ReadyMade {
    /// Every parameter.
    All,
    /// Those named `bias`, and those named `beta` beside a `gamma`.
    Biases,
    /// Those of at most one dimension.
    Vectors,
    /// Those of exactly two dimensions.
    Matrices,
    /// The parameters of normalisation modules.
    Norms,
    /// The trainable parameters, as of just before the rule.
    Trainable,
    /// The frozen parameters, as of just before the rule.
    Frozen,
}

impl ReadyMade {
    pub(crate) const ALL: [Self; 7] = [
        Self::All,
        Self::Biases,
        Self::Vectors,
        Self::Norms,
        Self::Matrices,
        Self::Trainable,
        Self::Frozen,
    ];

    /// The name after the `@`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Biases => "biases",
            Self::Vectors => "vectors",
            Self::Matrices => "matrices",
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
        let named: HashSet<&str> = match self {
            Self::Biases => biases(model),
            Self::Norms => norms(model),
            _ => HashSet::new(),
        };
        let dimensions = |parameter: ParamId| {
            model.parameters().get(parameter.index()).map(|known| known.shape.len())
        };
        move |name, parameter| match self {
            Self::All => true,
            Self::Biases | Self::Norms => named.contains(name),
            Self::Vectors => dimensions(parameter).is_some_and(|count| count <= 1),
            Self::Matrices => dimensions(parameter) == Some(2),
            Self::Trainable | Self::Frozen => false,
        }
    }
}

/// A parameter under one of its names.
struct NamedParameter<'m> {
    name: &'m str,
    /// Its role in its module.
    role: &'m str,
    shape: &'m [usize],
}

/// The parameters of each module, without those of the modules in it, in the model's order.
fn modules(model: &Model) -> HashMap<&str, Vec<NamedParameter<'_>>> {
    let mut modules: HashMap<&str, Vec<NamedParameter<'_>>> = HashMap::new();
    for parameter in model.parameters() {
        for name in parameter.names() {
            let (module, role) = role_of(name);
            let shape = parameter.shape.as_slice();
            modules.entry(module).or_default().push(NamedParameter { name, role, shape });
        }
    }
    modules
}

/// The parameters named `bias`, and those named `beta` in a module that has a `gamma`.
fn biases(model: &Model) -> HashSet<&str> {
    let mut biases = HashSet::new();
    for own in modules(model).values() {
        let has_gamma = own.iter().any(|parameter| parameter.role == "gamma");
        let named = own
            .iter()
            .filter(|parameter| parameter.role == "bias" || has_gamma && parameter.role == "beta");
        biases.extend(named.map(|parameter| parameter.name));
    }
    biases
}

/// The parameters of normalisation modules.
fn norms(model: &Model) -> HashSet<&str> {
    let with_statistics: HashSet<&str> =
        model.normalisations().iter().map(|module| module.module.as_str()).collect();
    let mut norms = HashSet::new();
    for (module, own) in modules(model) {
        let is_flat = own.iter().all(|parameter| parameter.shape.len() <= 1);
        if with_statistics.contains(module) && !is_flat {
            norms.extend(beside_others(&own));
        } else if with_statistics.contains(module) || is_flat && is_norm(module, &own) {
            norms.extend(own.iter().map(|parameter| parameter.name));
        }
    }
    norms
}

/// Whether a module without running statistics, whose parameters have at most one dimension, is a
/// normalisation: it has a weight, and beside it a bias of the same shape alone or such a name.
fn is_norm(module: &str, own: &[NamedParameter<'_>]) -> bool {
    let Some(weight) = own.iter().find(|parameter| is_weight(parameter.role)) else {
        return false;
    };
    let mut others = own.iter().filter(|parameter| parameter.name != weight.name);
    let is_pair = matches!((others.next(), others.next()), (Some(other), None)
        if is_bias(other.role) && other.shape == weight.shape);
    let own_name = module.rsplit('.').find(|segment| !is_number(segment));
    is_pair || own_name.is_some_and(is_norm_name)
}

/// The parameters of the normalisation in a module that another layer shares, such as a
/// convolution: its weight of one dimension, and the next bias of the same shape.
fn beside_others<'m>(own: &[NamedParameter<'m>]) -> Vec<&'m str> {
    let mut norms = Vec::new();
    let mut rest = own;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if is_weight(first.role) && first.shape.len() <= 1 {
            let is_its_bias =
                |next: &&NamedParameter| is_bias(next.role) && next.shape == first.shape;
            norms.push(first.name);
            norms.extend(rest.iter().find(is_its_bias).map(|bias| bias.name));
        }
    }
    norms
}

/// Whether a name has a word part that denotes a normalisation: `bn1`, `ln_f`, `LayerNorm`,
/// `before_rms`, `batchnorm`; not `enormous`.
pub(super) fn is_norm_name(name: &str) -> bool {
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
    let begins_or_ends = |word: &str, part| word.starts_with(part) || word.ends_with(part);
    words.iter().any(|word| {
        matches!(word.as_str(), "bn" | "gn" | "ln" | "in")
            || begins_or_ends(word, "norm")
            || begins_or_ends(word, "rms")
    })
}

#[cfg(test)]
mod tests {
    use super::is_norm_name;

    #[test]
    fn names_of_normalisations() {
        for name in [
            "bn1",
            "ln_f",
            "LayerNorm",
            "layer_norm",
            "norm",
            "batchnorm",
            "norm2",
            "q_norm",
            "gn1",
            "in",
            "before_rms",
            "RMSNorm",
            "pre_layrnorm",
        ] {
            assert!(is_norm_name(name), "{name}");
        }
        for name in ["enormous", "bnb", "mln", "fc", "", "0", "conv1", "linear", "input"] {
            assert!(!is_norm_name(name), "{name}");
        }
    }
}
