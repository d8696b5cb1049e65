//! A model's description: names, shapes, types and roles of its tensors.

mod difference;
mod dtype;
mod error;
mod files;
mod json;
mod names;
mod safetensors;
mod shape_faults;
mod statistics;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use crate::index::{NormalisationId, ParamId, TensorId};
pub use difference::ModelDifference;
pub use dtype::can_train;
pub(crate) use dtype::element_bytes;
pub use error::ModelError;
use files::ModelFiles;
pub(crate) use names::{is_bias, is_number, is_weight, role_of};
#[doc(hidden)]
pub use safetensors::{WeightsHeader, weights_header};
pub use statistics::Normalisation;

/// Names, shapes, types and roles of a model's tensors, in the model's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    tensors: Vec<Tensor>,
    parameters: Vec<Parameter>,
    normalisations: Vec<Normalisation>,
    is_network_order: bool,
}

/// A tensor under one of its names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Its dotted path.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// The type of its elements as safetensors writes it, in lower case: `f32`.
    pub dtype: String,
    /// Whether it is a parameter or a buffer.
    pub role: Role,
    /// For tied parameters, the earlier name of this tensor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
}

/// Whether a tensor is a parameter or a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Trained by an optimizer.
    Parameter,
    /// Updated by the model itself, as running statistics are.
    Buffer,
}

/// A parameter with all of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its first name.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// How many elements it has.
    #[must_use]
    pub fn elements(&self) -> usize {
        // `Model::new` has checked that this does not overflow.
        self.shape.iter().fold(1, |product, size| product.saturating_mul(*size))
    }

    /// All of its names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

impl Model {
    /// A model of these tensors. Those of a type that [cannot train](can_train) become buffers.
    ///
    /// # Errors
    /// If a name is empty or occurs twice, if a `same_as` names no earlier tensor or one of another
    /// shape or role, or if the number of elements overflows `usize`.
    ///
    /// # Examples
    /// ```
    /// use freeze_dsl::model::{Model, Role, Tensor};
    ///
    /// let weight = Tensor {
    ///     name: "fc.weight".to_owned(),
    ///     shape: vec![10, 512],
    ///     dtype: "f32".to_owned(),
    ///     role: Role::Parameter,
    ///     same_as: None,
    /// };
    /// assert_eq!(Model::new(vec![weight.clone()])?.parameters()[0].elements(), 5120);
    /// assert!(Model::new(vec![weight.clone(), weight]).is_err());
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    pub fn new(mut tensors: Vec<Tensor>) -> Result<Self, ModelError> {
        for tensor in tensors.iter_mut().filter(|tensor| !can_train(&tensor.dtype)) {
            tensor.role = Role::Buffer;
        }
        // Each tensor with the place of its parameter, if it is one.
        let mut seen: HashMap<&str, (&Tensor, Option<usize>)> =
            HashMap::with_capacity(tensors.len());
        let mut total = 0_usize;
        let mut parameters: Vec<Parameter> = Vec::new();
        for tensor in &tensors {
            if tensor.name.split('.').any(str::is_empty) {
                return Err(ModelError::EmptyName(tensor.name.clone()));
            }
            let of = tensor.same_as.as_ref().map(|first| (first, seen.get(first.as_str())));
            if let Some((first, None)) = of {
                return Err(ModelError::UnknownSame(tensor.name.clone(), first.clone()));
            }
            if let Some((first, Some((of, _)))) = of
                && (of.role, &of.shape) != (tensor.role, &tensor.shape)
            {
                return Err(ModelError::NotSame(tensor.name.clone(), first.clone()));
            }
            let known = of.and_then(|(_, first)| first?.1);
            let place = match tensor.role {
                Role::Parameter => Some(known.unwrap_or(parameters.len())),
                Role::Buffer => None,
            };
            if seen.insert(tensor.name.as_str(), (tensor, place)).is_some() {
                return Err(ModelError::NameTwice(tensor.name.clone()));
            }
            let size = tensor.shape.iter().try_fold(1_usize, |size, more| size.checked_mul(*more));
            total = size
                .and_then(|size| total.checked_add(size))
                .ok_or_else(|| ModelError::TooLarge(tensor.name.clone()))?;
            let Some(place) = place else { continue };
            match parameters.get_mut(place) {
                Some(parameter) => parameter.aliases.push(tensor.name.clone()),
                None => parameters.push(Parameter {
                    name: tensor.name.clone(),
                    aliases: Vec::new(),
                    shape: tensor.shape.clone(),
                }),
            }
        }
        let normalisations = statistics::normalisations(&tensors, &parameters);
        Ok(Self { tensors, parameters, normalisations, is_network_order: false })
    }

    /// Reads a model's description: from the header of a `.safetensors` file, from the headers of
    /// all shards that a `.safetensors.index.json` file names, from a folder that has either, as a
    /// download from a model hub, or from a `.model.json` file.
    ///
    /// # Errors
    /// If a file cannot be read, if it is none of these (for `.bin`, `.pt` and the like the error
    /// says how to convert it), if a file of weights is shorter or longer than its header says, or
    /// if a shard is missing or does not have a tensor that the index has in it.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_dsl::model::Model;
    /// let one = Model::load("resnet18.safetensors")?;
    /// let sharded = Model::load("Llama-3.1-8B/model.safetensors.index.json")?;
    /// assert_eq!(Model::load("Llama-3.1-8B")?, sharded);
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        ModelFiles::of(path.as_ref())?.read()
    }

    /// The files that [`Model::load`] reads for a path: an index is before its shards.
    ///
    /// # Errors
    /// As [`Model::load`], except that the files of weights are not opened.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// let files = Model::files("resnet18.safetensors")?;
    /// assert_eq!(files, [std::path::Path::new("resnet18.safetensors")]);
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    pub fn files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, ModelError> {
        ModelFiles::of(path.as_ref()).map(ModelFiles::paths)
    }

    /// The same model, whose tensors are known to be in the order in which data flows through the
    /// network. A file that is sorted by name or type is not.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// let model = Model::new(Vec::new())?.in_network_order();
    /// assert_eq!(model.to_json()?, r#"{"format":1,"order":"network","tensors":[]}"#);
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub fn in_network_order(mut self) -> Self {
        self.is_network_order = true;
        self
    }

    /// Whether the tensors are known to be in the network's order.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// let model = Model::from_json(r#"{"format":1,"order":"network","tensors":[]}"#)?;
    /// assert!(model.is_network_order());
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub const fn is_network_order(&self) -> bool {
        self.is_network_order
    }

    /// Reads a model's description from the text of a `.model.json` file.
    ///
    /// # Errors
    /// If the text is not a model description.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// let model = Model::from_json(
    ///     r#"{"format":1,"tensors":[
    ///         {"name":"bn.weight","shape":[8],"dtype":"f32","role":"parameter"},
    ///         {"name":"bn.running_mean","shape":[8],"dtype":"f32","role":"buffer"}]}"#,
    /// )?;
    /// assert_eq!(model.tensors().len(), 2);
    /// assert!(Model::from_json("{}").is_err());
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        json::read(text)
    }

    /// The text of a `.model.json` file that describes this model.
    ///
    /// # Errors
    /// If serialization fails, which it does not for a `Model`.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// # let model = Model::from_json(
    /// #     r#"{"format":1,"tensors":[
    /// #         {"name":"bn.weight","shape":[8],"dtype":"f32","role":"parameter"},
    /// #         {"name":"bn.running_mean","shape":[8],"dtype":"f32","role":"buffer"}]}"#,
    /// # )?;
    /// assert_eq!(Model::from_json(&model.to_json()?)?, model);
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    pub fn to_json(&self) -> Result<String, ModelError> {
        json::write(self)
    }

    /// Writes a `.model.json` file that describes this model.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_dsl::model::Model;
    /// Model::load("resnet18.safetensors")?.save("resnet18.model.json")?;
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let text = self.to_json().map_err(|error| error.in_file(path))?;
        std::fs::write(path, text).map_err(|error| ModelError::from(error).in_file(path))
    }

    /// Every tensor, in the model's order.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// # let model = Model::from_json(
    /// #     r#"{"format":1,"tensors":[
    /// #         {"name":"bn.weight","shape":[8],"dtype":"f32","role":"parameter"},
    /// #         {"name":"bn.running_mean","shape":[8],"dtype":"f32","role":"buffer"}]}"#,
    /// # )?;
    /// assert_eq!(model.tensors()[1].name, "bn.running_mean");
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The parameters, in the model's order, tied ones once. Plans and clocks refer to a parameter
    /// by its [`ParamId`], the index in this list.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// # let model = Model::from_json(
    /// #     r#"{"format":1,"tensors":[
    /// #         {"name":"bn.weight","shape":[8],"dtype":"f32","role":"parameter"},
    /// #         {"name":"bn.running_mean","shape":[8],"dtype":"f32","role":"buffer"}]}"#,
    /// # )?;
    /// assert_eq!(model.parameters()[0].name, "bn.weight");
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The modules with running statistics, in the model's order.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::model::Model;
    /// # let model = Model::from_json(
    /// #     r#"{"format":1,"tensors":[
    /// #         {"name":"bn.weight","shape":[8],"dtype":"f32","role":"parameter"},
    /// #         {"name":"bn.running_mean","shape":[8],"dtype":"f32","role":"buffer"}]}"#,
    /// # )?;
    /// assert_eq!(model.normalisations()[0].module, "bn");
    /// # Ok::<(), freeze_dsl::model::ModelError>(())
    /// ```
    #[must_use]
    pub fn normalisations(&self) -> &[Normalisation] {
        &self.normalisations
    }
}
