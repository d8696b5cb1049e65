//! The model of a `VarStore`, as policies are checked against it.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::path::Path;
use std::sync::PoisonError;

use freeze_dsl::model::{self, ModelError, Role, can_train};
use tch::{Kind, Tensor, nn};

use crate::Error;
use crate::ffi::{self, Identity, Layout};

/// The names, shapes, dtypes and roles of a model's tensors: what a policy is checked against.
///
/// It dereferences to the description in [`model`](crate::model), whose `save` writes it to a
/// `.model.json` file that a policy can name.
///
/// # Examples
/// ```
/// use freeze_runtime::Model;
/// use tch::{Device, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("net.model.json");
/// Model::of(&vs)?.save(&path)?;
/// assert_eq!(Model::load(&path)?, Model::of(&vs)?);
/// # Ok::<(), freeze_runtime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model(model::Model);

impl Model {
    /// Describes the variables of a store: its trainable variables are parameters, in the order of
    /// their creation; the others are buffers.
    ///
    /// # Errors
    /// Fails if the store has a name that a policy cannot contain, or a sparse, mkldnn or conjugated
    /// tensor.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::Model;
    /// use tch::{Device, nn};
    ///
    /// let vs = nn::VarStore::new(Device::Cpu);
    /// let fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
    /// assert_eq!(Model::of(&vs)?.parameters().len(), 2);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn of(store: &nn::VarStore) -> Result<Self, Error> {
        Ok(BoundModel::of(store)?.model)
    }

    /// Reads a model's description: from the header of a `.safetensors` file, from the headers of
    /// all shards that a `.safetensors.index.json` file names, from a folder that has either, or
    /// from a `.model.json` file.
    ///
    /// # Errors
    /// Fails if a file cannot be read or is none of these, or if a shard is missing.
    ///
    /// # Examples
    /// ```no_run
    /// use freeze_runtime::Model;
    ///
    /// let model = Model::load("resnet18.safetensors")?;
    /// # Ok::<(), freeze_runtime::ModelError>(())
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        model::Model::load(path).map(Self)
    }
}

impl Deref for Model {
    type Target = model::Model;

    fn deref(&self) -> &model::Model {
        &self.0
    }
}

impl From<model::Model> for Model {
    fn from(model: model::Model) -> Self {
        Self(model)
    }
}

/// A model with its tensors.
pub(crate) struct BoundModel {
    pub(crate) model: Model,
    /// One tensor for each of the model's parameters.
    pub(crate) parameters: Vec<Tensor>,
    /// One tensor for each of the model's tensors.
    pub(crate) tensors: Vec<Tensor>,
}

impl BoundModel {
    pub(crate) fn of(store: &nn::VarStore) -> Result<Self, Error> {
        let variables = store.variables_.lock().unwrap_or_else(PoisonError::into_inner);
        let named: Vec<(&String, &Tensor)> = variables.named_variables.iter().collect();
        require_plain(&named)?;
        let trainable = variables.trainable_variables.iter().map(|variable| &variable.tensor);
        let parameters = parameters(trainable.collect())?;
        let identities = ffi::identities(&named.iter().map(|(_, tensor)| *tensor).collect())?;
        let places: HashMap<usize, usize> = ffi::identities(&parameters.iter().collect())?
            .into_iter()
            .enumerate()
            .map(|(place, identity)| (identity.tensor(), place))
            .collect();
        let mut entries: Vec<NamedVariable<'_>> = named
            .into_iter()
            .zip(identities)
            .map(|((name, tensor), identity)| NamedVariable {
                name,
                tensor,
                parameter: places.get(&identity.tensor()).copied(),
            })
            .collect();
        order(&mut entries, parameters.len());

        let mut first_names: Vec<Option<&str>> = vec![None; parameters.len()];
        let mut description = Vec::with_capacity(entries.len());
        let mut tensors = Vec::with_capacity(entries.len());
        for NamedVariable { name, tensor, parameter } in entries {
            let first = parameter.and_then(|place| first_names.get_mut(place));
            let same_as = first.and_then(|first| {
                let known = first.map(str::to_owned);
                first.get_or_insert(name);
                known
            });
            let shape = tensor.size().into_iter().filter_map(|size| usize::try_from(size).ok());
            description.push(model::Tensor {
                name: name.clone(),
                shape: shape.collect(),
                dtype: dtype(tensor.kind()).to_owned(),
                role: if parameter.is_some() { Role::Parameter } else { Role::Buffer },
                same_as,
            });
            tensors.push(tensor.shallow_clone());
        }
        let model = model::Model::new(description)?.in_network_order();
        Ok(Self { model: Model(model), parameters, tensors })
    }
}

/// Fails unless each variable is a dense tensor with memory of its own kind.
fn require_plain(named: &[(&String, &Tensor)]) -> Result<(), Error> {
    let layouts = ffi::layouts(&named.iter().map(|(_, tensor)| *tensor).collect())?;
    for ((name, _), layout) in named.iter().zip(layouts) {
        let (what, copy) = match layout {
            Layout::Dense => continue,
            Layout::Other => ("a sparse or mkldnn tensor", ".to_dense(None, false)"),
            Layout::Conjugated => ("a conjugated tensor", ".resolve_conj().resolve_neg()"),
        };
        return Err(Error::Ownership(format!(
            "`{name}` is {what}, which can be neither saved nor restored: register a dense copy of \
             it, as `{copy}` makes one"
        )));
    }
    Ok(())
}

/// Whether elements of a tensor share memory: libtorch does not copy into such a tensor.
pub(crate) fn is_expanded(tensor: &Tensor) -> bool {
    let mut steps = tensor.stride().into_iter().zip(tensor.size());
    tensor.numel() > 0 && steps.any(|(stride, size)| stride == 0 && size > 1)
}

/// A variable under one of its names.
struct NamedVariable<'v> {
    name: &'v String,
    tensor: &'v Tensor,
    parameter: Option<usize>,
}

impl<'v> NamedVariable<'v> {
    fn module(&self) -> &'v str {
        self.name.rsplit_once('.').map_or("", |(module, _)| module)
    }
}

/// Sorts parameters by their creation, and each buffer after the last parameter of its module; those
/// at one place by their names.
fn order(entries: &mut Vec<NamedVariable<'_>>, count: usize) {
    let mut last: HashMap<&str, usize> = HashMap::new();
    for entry in entries.iter() {
        if let Some(place) = entry.parameter {
            let latest = last.entry(entry.module()).or_insert(place);
            *latest = place.max(*latest);
        }
    }
    let place = |entry: &NamedVariable<'_>| match entry.parameter {
        Some(place) => (place, false),
        None => (last.get(entry.module()).copied().unwrap_or(count), true),
    };
    let mut placed: Vec<_> = entries.drain(..).map(|entry| (place(&entry), entry)).collect();
    placed.sort_unstable_by(|(one, first), (other, second)| {
        one.cmp(other).then_with(|| natural(first.name).cmp(&natural(second.name)))
    });
    entries.extend(placed.into_iter().map(|(_, entry)| entry));
}

/// The parameters among a store's trainable variables, each once, at its first position.
fn parameters(trainable: Vec<&Tensor>) -> Result<Vec<Tensor>, Error> {
    let identities = ffi::identities(&trainable.iter().copied().collect())?;
    let mut seen = HashSet::with_capacity(trainable.len());
    // A type that cannot train is a buffer's, whatever the store says.
    let is_parameter = |(tensor, identity): &(&Tensor, Identity)| {
        seen.insert(identity.tensor()) && can_train(dtype(tensor.kind()))
    };
    let parameters = trainable.into_iter().zip(identities).filter(is_parameter);
    Ok(parameters.map(|(tensor, _)| tensor.shallow_clone()).collect())
}

/// A sort key by which `layer.2` comes before `layer.10`.
fn natural(name: &str) -> Vec<(u64, &str)> {
    let number = |segment: &str| segment.parse().map(|number| (number, ""));
    name.split('.').map(|segment| number(segment).unwrap_or((u64::MAX, segment))).collect()
}

/// The name of a dtype as in safetensors, in lower case.
pub(crate) const fn dtype(kind: Kind) -> &'static str {
    match kind {
        Kind::Float => "f32",
        Kind::Double => "f64",
        Kind::Half => "f16",
        Kind::BFloat16 => "bf16",
        Kind::Int64 => "i64",
        Kind::Int => "i32",
        Kind::Int16 => "i16",
        Kind::Int8 => "i8",
        Kind::Uint8 => "u8",
        Kind::Bool => "bool",
        Kind::ComplexHalf => "c32",
        Kind::ComplexFloat => "c64",
        Kind::ComplexDouble => "c128",
        _ => "other",
    }
}
