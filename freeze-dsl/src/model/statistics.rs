//! Modules with running statistics, as batch normalisation has.

use std::collections::HashMap;

use super::names::{is_statistic, role_of, split};
use super::{ParamId, Parameter, Role, Tensor, TensorId};

/// A module with running statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalisation {
    /// Its path; empty for the model itself.
    pub module: String,
    /// Its statistics.
    pub buffers: Vec<TensorId>,
    /// The parameters that determine whether its statistics are updated: its own, or, for a
    /// normalisation without affine parameters, those of the nearest enclosing module that has any.
    pub parameters: Vec<ParamId>,
}

pub(super) fn normalisations(tensors: &[Tensor], parameters: &[Parameter]) -> Vec<Normalisation> {
    let mut found: Vec<Normalisation> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let (module, role) = role_of(&tensor.name);
        if tensor.role != Role::Buffer || !is_statistic(role) {
            continue;
        }
        let index = TensorId::new(index);
        let place = *places.entry(module).or_insert(found.len());
        match found.get_mut(place) {
            Some(known) => known.buffers.push(index),
            None => found.push(Normalisation {
                module: module.to_owned(),
                buffers: vec![index],
                parameters: Vec::new(),
            }),
        }
    }
    // In sorted order, the names under a module are contiguous.
    let mut names: Vec<(&str, ParamId)> = parameters
        .iter()
        .enumerate()
        .flat_map(|(index, parameter)| {
            parameter.names().map(move |name| (name, ParamId::new(index)))
        })
        .collect();
    names.sort_unstable();
    for normalisation in &mut found {
        normalisation.parameters = deciding(&normalisation.module, &names);
    }
    found
}

/// The parameters of `module`, or of the nearest enclosing module that has any, in order.
fn deciding(module: &str, names: &[(&str, ParamId)]) -> Vec<ParamId> {
    let mut around = module;
    loop {
        let prefix = if around.is_empty() { String::new() } else { format!("{around}.") };
        let start = names.partition_point(|(name, _)| *name < prefix.as_str());
        let under = names.get(start..).unwrap_or_default().iter();
        let mut under: Vec<ParamId> = under
            .take_while(|(name, _)| name.starts_with(&prefix))
            .map(|(_, index)| *index)
            .collect();
        if !under.is_empty() || around.is_empty() {
            under.sort_unstable();
            under.dedup();
            return under;
        }
        around = split(around).0;
    }
}
