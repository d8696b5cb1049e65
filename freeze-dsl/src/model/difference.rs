//! The differences between two models.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use super::{Model, Role, Tensor};

/// A difference between two models. Its text is a line: `- fc.bias: f32 [10]` for a tensor that was
/// removed, `+` for one that was added, `~ fc.bias: f32 [10] -> f32 [20]` for one that was changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum ModelDifference {
    /// Only the earlier model has this tensor.
    Removed {
        /// The tensor.
        tensor: Tensor,
    },
    /// Only the later model has this tensor.
    Added {
        /// The tensor.
        tensor: Tensor,
    },
    /// Both models have a tensor of this name, with another shape, type or role, or tied otherwise.
    Changed {
        /// The tensor of the earlier model.
        before: Tensor,
        /// The tensor of the later model.
        after: Tensor,
    },
    /// The models have the same tensors in another order.
    Order {
        /// The first tensor of the later model that has another place.
        name: String,
        /// The tensor that has its place in the earlier model.
        was: String,
    },
    /// Only one of two equal models is known to be in the network's order.
    NetworkOrder {
        /// Whether it is the later one.
        is_known: bool,
    },
}

impl Model {
    /// The differences to a later model. Empty if the models are equal.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// let model = |classes| {
    ///     Model::from_json(&format!(
    ///         r#"{{"format":1,"tensors":[
    ///             {{"name":"fc.bias","shape":[{classes}],"dtype":"f32","role":"parameter"}}]}}"#,
    ///     ))
    /// };
    /// let differences = model(10)?.differences(&model(20)?);
    /// assert_eq!(differences[0].to_string(), "~ fc.bias: f32 [10] -> f32 [20]");
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<ModelDifference> {
        let by_name = |model: &'_ Self| -> HashMap<String, Tensor> {
            let tensors = model.tensors().iter();
            tensors.map(|tensor| (tensor.name.clone(), tensor.clone())).collect()
        };
        let (earlier, after) = (by_name(self), by_name(later));
        let mut differences = Vec::new();
        for before in self.tensors() {
            match after.get(&before.name) {
                None => differences.push(ModelDifference::Removed { tensor: before.clone() }),
                Some(after) if after != before => differences.push(ModelDifference::Changed {
                    before: before.clone(),
                    after: after.clone(),
                }),
                Some(_) => {}
            }
        }
        let added = later.tensors().iter().filter(|tensor| !earlier.contains_key(&tensor.name));
        differences.extend(added.map(|tensor| ModelDifference::Added { tensor: tensor.clone() }));
        if differences.is_empty() {
            let mut pairs = self.tensors().iter().zip(later.tensors());
            differences.extend(pairs.find(|(was, is)| was != is).map(|(was, is)| {
                ModelDifference::Order { name: is.name.clone(), was: was.name.clone() }
            }));
        }
        if differences.is_empty() && self.is_network_order() != later.is_network_order() {
            let is_known = later.is_network_order();
            differences.push(ModelDifference::NetworkOrder { is_known });
        }
        differences
    }
}

impl Display for ModelDifference {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { tensor } => write!(out, "- {}: {}", tensor.name, described(tensor)),
            Self::Added { tensor } => write!(out, "+ {}: {}", tensor.name, described(tensor)),
            Self::Changed { before, after } => {
                write!(out, "~ {}: {} -> {}", before.name, described(before), described(after))
            }
            Self::Order { name, was } => {
                write!(out, "~ the order: `{name}` is now at the place of `{was}`")
            }
            Self::NetworkOrder { is_known } => {
                let is = if *is_known { "now" } else { "no longer" };
                write!(out, "~ the order: it is {is} known to be the network's")
            }
        }
    }
}

/// The description of a tensor without its name.
fn described(tensor: &Tensor) -> String {
    let Tensor { dtype, shape, role, same_as, .. } = tensor;
    let buffer = if *role == Role::Buffer { ", a buffer" } else { "" };
    let tied = same_as.as_ref().map_or(String::new(), |of| format!(", the same as `{of}`"));
    format!("{dtype} {shape:?}{buffer}{tied}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(before: &Model, later: &Model) -> Vec<String> {
        before.differences(later).iter().map(ToString::to_string).collect()
    }

    fn model(tensors: &[(&str, usize, Role, Option<&str>)]) -> Model {
        let tensor = |(name, rows, role, same_as): &(&str, usize, Role, Option<&str>)| Tensor {
            name: (*name).to_owned(),
            shape: vec![*rows, 2],
            dtype: "f32".to_owned(),
            role: *role,
            same_as: same_as.map(str::to_owned),
        };
        Model::new(tensors.iter().map(tensor).collect()).unwrap()
    }

    #[test]
    fn tensors_are_removed_added_and_changed() {
        use Role::{Buffer, Parameter};
        let before =
            model(&[("a", 1, Parameter, None), ("b", 2, Parameter, None), ("c", 3, Buffer, None)]);
        let later = model(&[
            ("a", 1, Parameter, None),
            ("d", 1, Parameter, Some("a")),
            ("b", 4, Parameter, None),
        ]);
        assert_eq!(
            lines(&before, &later),
            [
                "~ b: f32 [2, 2] -> f32 [4, 2]",
                "- c: f32 [3, 2], a buffer",
                "+ d: f32 [1, 2], the same as `a`"
            ]
        );
        assert_eq!(lines(&before, &before), [""; 0]);
        let turned = model(&[("b", 2, Parameter, None), ("a", 1, Parameter, None)]);
        let straight = model(&[("a", 1, Parameter, None), ("b", 2, Parameter, None)]);
        assert_eq!(lines(&straight, &turned), ["~ the order: `b` is now at the place of `a`"]);
    }
}
