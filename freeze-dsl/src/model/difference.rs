//! The differences between two models.

use std::collections::HashMap;

use super::{Model, Role, Tensor};

impl Model {
    /// The differences to a later model, one line per tensor: `- fc.bias: f32 [10]` for one that was
    /// removed, `+` for one that was added, `~ fc.bias: f32 [10] -> f32 [20]` for one that was
    /// changed. Empty if the models are equal.
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
    /// let lines = model(10)?.difference(&model(20)?);
    /// assert_eq!(lines, ["~ fc.bias: f32 [10] -> f32 [20]"]);
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub fn difference(&self, later: &Self) -> Vec<String> {
        let by_name = |model: &'_ Self| -> HashMap<String, String> {
            let tensors = model.tensors().iter();
            tensors.map(|tensor| (tensor.name.clone(), described(tensor))).collect()
        };
        let (before, after) = (by_name(self), by_name(later));
        let mut lines = Vec::new();
        for Tensor { name, .. } in self.tensors() {
            match (before.get(name), after.get(name)) {
                (Some(was), None) => lines.push(format!("- {name}: {was}")),
                (Some(was), Some(is)) if was != is => {
                    lines.push(format!("~ {name}: {was} -> {is}"));
                }
                _ => {}
            }
        }
        for Tensor { name, .. } in later.tensors() {
            if let (None, Some(is)) = (before.get(name), after.get(name)) {
                lines.push(format!("+ {name}: {is}"));
            }
        }
        if lines.is_empty() {
            let mut pairs = self.tensors().iter().zip(later.tensors());
            lines.extend(pairs.find(|(was, is)| was != is).map(|(was, is)| {
                format!("~ the order: `{}` is now at the place of `{}`", is.name, was.name)
            }));
        }
        if lines.is_empty() && self.is_network_order() != later.is_network_order() {
            let is = if later.is_network_order() { "now" } else { "no longer" };
            lines.push(format!("~ the order: it is {is} known to be the network's"));
        }
        lines
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
            before.difference(&later),
            [
                "~ b: f32 [2, 2] -> f32 [4, 2]",
                "- c: f32 [3, 2], a buffer",
                "+ d: f32 [1, 2], the same as `a`"
            ]
        );
        assert_eq!(before.difference(&before), [""; 0]);
        let turned = model(&[("b", 2, Parameter, None), ("a", 1, Parameter, None)]);
        let straight = model(&[("a", 1, Parameter, None), ("b", 2, Parameter, None)]);
        assert_eq!(straight.difference(&turned), ["~ the order: `b` is now at the place of `a`"]);
    }
}
