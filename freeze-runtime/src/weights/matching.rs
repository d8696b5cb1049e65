//! Which tensor of the weights each tensor of the model takes, decided before any is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use freeze_dsl::diagnostic::{Findings, nearest};
use freeze_dsl::model::{self, Model, Role};
use freeze_dsl::source::Source;

use super::files::StoredTensor;
use super::renaming::{old_name, prefix_help};
use crate::error::{DtypeMismatch, ShapeMismatch, WeightsMismatch};

/// What differs without being an error.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowances {
    pub(super) unexpected: bool,
    pub(super) casts: bool,
}

/// What each tensor takes.
#[derive(Default)]
pub(super) struct Matching<'w> {
    /// The name and place of a tensor of the model, and what it takes.
    pub(super) taken: Vec<(String, usize, &'w StoredTensor)>,
    pub(super) kept: Vec<String>,
    pub(super) unused: Vec<String>,
}

/// Matches weights, by their names after renaming, with the tensors of a model.
pub(super) fn matching<'w>(
    weights: &BTreeMap<String, &'w StoredTensor>,
    model: &Model,
    may_miss: &HashSet<String>,
    allows: Allowances,
) -> Result<Matching<'w>, WeightsMismatch> {
    let mut found = Matching::default();
    let mut mismatch = WeightsMismatch::default();
    let mut used: HashSet<&str> = HashSet::new();
    for (place, names) in tied(model) {
        let Some((tensor, name)) = model.tensors().get(place).zip(names.first()) else { continue };
        let old: Vec<String> = names.iter().filter_map(|name| old_name(name)).collect();
        let candidates = names.iter().copied().chain(old.iter().map(String::as_str));
        let mut known = candidates.filter_map(|name| weights.get_key_value(name));
        let stored = known.next();
        // Of a tied parameter, the weights may have several names.
        used.extend(stored.into_iter().chain(known).map(|(name, _)| name.as_str()));
        let may_miss = names.iter().any(|name| may_miss.contains(*name));
        match stored {
            None if may_miss => found.kept.push((*name).to_owned()),
            None => mismatch.missing.push(((*name).to_owned(), None)),
            Some((_, stored)) if tensor.shape != stored.shape => {
                if may_miss {
                    found.kept.push((*name).to_owned());
                    continue;
                }
                mismatch.shapes.push(ShapeMismatch {
                    name: (*name).to_owned(),
                    weights: stored.shape.clone(),
                    model: tensor.shape.clone(),
                });
            }
            Some((_, stored)) if !fits(&stored.dtype, &tensor.dtype, allows.casts) => {
                mismatch.dtypes.push(DtypeMismatch {
                    name: (*name).to_owned(),
                    weights: stored.dtype.clone(),
                    model: tensor.dtype.clone(),
                });
            }
            Some((_, stored)) => found.taken.push(((*name).to_owned(), place, stored)),
        }
    }
    let (counts, unexpected): (Vec<_>, Vec<_>) = weights
        .iter()
        .filter(|(name, _)| !used.contains(name.as_str()))
        .partition(|(name, _)| is_count(name, model));
    if allows.unexpected || unexpected.is_empty() {
        let unused = counts.into_iter().chain(unexpected);
        found.unused = unused.map(|(_, stored)| stored.name.clone()).collect();
    } else {
        mismatch.unexpected = unexpected.into_iter().map(|(name, _)| name.clone()).collect();
    }
    if mismatch.is_empty() {
        return Ok(found);
    }
    add_nearest(&mut mismatch);
    mismatch.help = help(&mismatch, weights, model);
    Err(mismatch)
}

/// The tensors of a model, each with all of its names.
fn tied(model: &Model) -> Vec<(usize, Vec<&str>)> {
    let mut tensors: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, tensor) in model.tensors().iter().enumerate() {
        let first = tensor.same_as.as_deref().and_then(|first| places.get(first).copied());
        if let Some((_, names)) = first.and_then(|first| tensors.get_mut(first)) {
            names.push(&tensor.name);
            continue;
        }
        places.insert(&tensor.name, tensors.len());
        tensors.push((place, vec![&tensor.name]));
    }
    tensors
}

fn fits(weights: &str, model: &str, casts: bool) -> bool {
    let is_float = |dtype: &str| dtype.starts_with('f') || dtype == "bf16";
    weights == model || (casts && is_float(weights) && is_float(model))
}

/// Whether a name is that of `PyTorch`'s count of batches in a batch norm of the model: tch's norms
/// have none.
fn is_count(name: &str, model: &Model) -> bool {
    let Some((module, "num_batches_tracked")) = name.rsplit_once('.') else { return false };
    model.normalisations().iter().any(|normalisation| normalisation.module == module)
}

/// Adds the nearest unexpected name to each missing one that is shown.
fn add_nearest(mismatch: &mut WeightsMismatch) {
    const MOST: usize = 50;
    for (name, near) in mismatch.missing.iter_mut().take(MOST) {
        let unexpected = mismatch.unexpected.iter().map(String::as_str);
        *near = nearest(name, unexpected).map(str::to_owned);
    }
}

/// What to write, most likely first.
fn help(
    mismatch: &WeightsMismatch,
    weights: &BTreeMap<String, &StoredTensor>,
    model: &Model,
) -> Vec<String> {
    let stored: Vec<&str> = weights.keys().map(String::as_str).collect();
    let known: Vec<&str> = model.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
    let mut help = Vec::new();
    if !mismatch.missing.is_empty()
        && let Some(prefix) = prefix_help(&stored, &known)
    {
        return vec![prefix];
    }
    let missing = mismatch.missing.iter().map(|(name, _)| name);
    let left: BTreeSet<&str> = missing
        .chain(mismatch.shapes.iter().map(|shape| &shape.name))
        .map(|name| name.rsplit_once('.').map_or(name.as_str(), |(module, _)| module))
        .collect();
    if !left.is_empty() && left.len() <= 4 {
        let selector = left.into_iter().collect::<Vec<_>>().join(", ");
        help.push(format!("write `.allow_missing(\"{selector}\")` if it starts with new values"));
    }
    if !mismatch.unexpected.is_empty() {
        let text = "write `.allow_unexpected()` if the model does not need the other weights";
        help.push(text.to_owned());
    }
    if !mismatch.dtypes.is_empty() {
        help.push("write `.cast()` to convert floating-point numbers".to_owned());
    }
    help
}

/// The names of tensors at or under what a selector selects, buffers included.
pub(super) fn selected(selector: &str, model: &Model) -> Result<HashSet<String>, Findings> {
    let tensors = model.tensors().iter().map(|tensor| model::Tensor {
        dtype: "f32".to_owned(),
        role: Role::Parameter,
        same_as: None,
        ..tensor.clone()
    });
    let Ok(model) = Model::new(tensors.collect()) else { return Ok(HashSet::new()) };
    let selected = model.select(&Source::named("allow_missing", selector.to_owned()))?;
    let parameters = selected.into_iter().filter_map(|id| model.parameters().get(id.index()));
    Ok(parameters.map(|parameter| parameter.name.clone()).collect())
}
