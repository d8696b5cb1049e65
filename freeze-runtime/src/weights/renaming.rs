//! Names of weights as the model has them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// How names are changed before they are compared with those of the model.
pub(super) enum Renaming {
    /// A path and all that lies under it. An empty path is that of the whole model.
    Path { from: String, to: String },
    /// By a function of the program.
    With(Box<dyn Fn(&str) -> String + Send + Sync>),
}

impl Renaming {
    /// The new name; `None` where it does not apply.
    pub(super) fn apply(&self, name: &str) -> Option<String> {
        match self {
            Self::Path { from, to } => {
                let rest = match name.strip_prefix(from.as_str())? {
                    rest if from.is_empty() => rest,
                    "" => "",
                    rest => rest.strip_prefix('.')?,
                };
                Some(match (to.as_str(), rest) {
                    ("", rest) => rest.to_owned(),
                    (to, "") => to.to_owned(),
                    (to, rest) => format!("{to}.{rest}"),
                })
            }
            Self::With(rename) => Some(rename(name)),
        }
    }
}

impl fmt::Debug for Renaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { from, to } => write!(f, "{from:?} -> {to:?}"),
            Self::With(_) => f.write_str("a function"),
        }
    }
}

/// The name that a parameter of a normalisation had, or has now, where the other is the model's.
pub(super) fn old_name(name: &str) -> Option<String> {
    let (module, last) = name.rsplit_once('.')?;
    let old = match last {
        "weight" => "gamma",
        "bias" => "beta",
        "gamma" => "weight",
        "beta" => "bias",
        _ => return None,
    };
    Some(format!("{module}.{old}"))
}

/// What to write so that the names of weights are those of the model: the prefix that all but a few of
/// them have in excess, or lack.
pub(super) fn prefix_help(weights: &[&str], model: &[&str]) -> Option<String> {
    let known: HashSet<&str> = model.iter().copied().collect();
    let stored: HashSet<&str> = weights.iter().copied().collect();
    let strip = best_prefix(weights, &known)
        .map(|(prefix, fit)| (fit, format!("write `.strip_prefix(\"{prefix}.\")`")));
    let add = best_prefix(model, &stored)
        .map(|(prefix, fit)| (fit, format!("write `.rename(\"\", \"{prefix}\")`")));
    let (fit, what) = strip.into_iter().chain(add).max_by_key(|(fit, _)| *fit)?;
    let already = weights.iter().filter(|name| known.contains(*name)).count();
    let of = model.len();
    (fit > already)
        .then(|| format!("{what}: then the weights have {fit} of the {of} names of the model"))
}

/// How names begin: the first segments of the first few kinds.
pub(super) fn beginnings(names: &[&str]) -> String {
    const MOST: usize = 8;
    let first: BTreeSet<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
    let shown: Vec<String> = first.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = if first.len() > MOST { " and others" } else { "" };
    format!("names of the weights begin with {}{more}", shown.join(", "))
}

/// The prefix without which the most of these names are known, and how many.
fn best_prefix<'n>(names: &[&'n str], known: &HashSet<&str>) -> Option<(&'n str, usize)> {
    let mut fits: HashMap<&str, usize> = HashMap::new();
    for name in names {
        for (end, _) in name.match_indices('.') {
            if let (Some(prefix), Some(rest)) = (name.get(..end), name.get(end + 1..))
                && known.contains(rest)
            {
                *fits.entry(prefix).or_default() += 1;
            }
        }
    }
    fits.into_iter().max_by(|(one, count), (other, others)| {
        // Of two that fit as many, always the same.
        count.cmp(others).then_with(|| other.cmp(one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(from: &str, to: &str, name: &str) -> Option<String> {
        Renaming::Path { from: from.to_owned(), to: to.to_owned() }.apply(name)
    }

    #[test]
    fn a_path_is_of_whole_segments() {
        assert_eq!(path("model", "", "model.fc.weight").as_deref(), Some("fc.weight"));
        assert_eq!(path("model", "", "models.fc.weight"), None);
        assert_eq!(path("fc", "head", "fc.weight").as_deref(), Some("head.weight"));
        assert_eq!(path("fc.weight", "head.w", "fc.weight").as_deref(), Some("head.w"));
        assert_eq!(path("", "net", "fc.weight").as_deref(), Some("net.fc.weight"));
    }

    #[test]
    fn the_prefix_that_fits_is_offered_in_either_direction() {
        let plain = ["a.weight", "b.weight", "b.bias"];
        let long = ["net.body.a.weight", "net.body.b.weight", "net.head.weight"];
        assert_eq!(
            prefix_help(&long, &plain).as_deref(),
            Some(
                "write `.strip_prefix(\"net.body.\")`: then the weights have 2 of the 3 names of the model"
            )
        );
        assert_eq!(
            prefix_help(&plain, &long).as_deref(),
            Some(
                "write `.rename(\"\", \"net.body\")`: then the weights have 2 of the 3 names of the model"
            )
        );
        assert_eq!(prefix_help(&plain, &plain), None);
        assert_eq!(prefix_help(&plain, &["c"]), None);
    }
}
