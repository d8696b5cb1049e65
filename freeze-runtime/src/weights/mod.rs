//! Pretrained weights, loaded into a store: strict unless the program says otherwise.

mod files;
mod matching;
mod renaming;
mod report;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use tch::nn;

use files::StoredTensor;
use matching::{Allowances, Matching};
use renaming::Renaming;
pub use report::LoadReport;

use crate::optim::real;
use crate::store::{BoundModel, is_expanded};
use crate::{Error, WeightsError};

/// Pretrained weights in `.safetensors` files, to be loaded into a [`VarStore`](nn::VarStore).
///
/// Every tensor of the model must have one in the weights with its name, shape and dtype, and the other
/// way round, but for what the methods allow. Parameters of normalisations may have their old names
/// `gamma` and `beta`, a tied parameter needs one of its names, and `PyTorch`'s `num_batches_tracked`
/// is not used.
///
/// Load weights before a tuner is attached.
///
/// # Examples
/// ```no_run
/// use freeze_runtime::Weights;
/// use tch::{Device, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// // … create the model …
/// let report = Weights::open("resnet18.safetensors")?
///     .strip_prefix("model.")
///     .allow_missing("fc")
///     .load(&vs)?;
/// println!("{report}");
/// # Ok::<(), freeze_runtime::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "weights do nothing until `load`"]
pub struct Weights {
    tensors: Vec<StoredTensor>,
    renamings: Vec<Renaming>,
    may_miss: Vec<String>,
    allows: Allowances,
}

impl Weights {
    /// Opens a `.safetensors` file, the shards that a `.safetensors.index.json` file names, or a folder
    /// that has either. Only headers are read.
    ///
    /// # Errors
    /// Fails if a file cannot be read or is not of these kinds; for `.bin`, `.pt` and the like the
    /// error says how to convert it. Fails if a shard is missing, or if a file is shorter than its
    /// header says.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::Weights;
    /// let one = Weights::open("resnet18.safetensors")?;
    /// let folder = Weights::open("Llama-3.1-8B/")?;
    /// # drop((one, folder));
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let tensors = files::open(path.as_ref())?;
        let allows = Allowances::default();
        Ok(Self { tensors, renamings: Vec::new(), may_miss: Vec::new(), allows })
    }

    /// Removes the segments of a prefix from every name that begins with them. A `.` at its end may be
    /// left out. Renamings apply in the order of their calls.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::Weights;
    /// // `model.layer1.weight` is `layer1.weight` in this program.
    /// let weights = Weights::open("resnet18.safetensors")?.strip_prefix("model.");
    /// # drop(weights);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn strip_prefix(self, prefix: &str) -> Self {
        self.rename(prefix, "")
    }

    /// Renames a path and all that lies under it, by whole segments. An empty `from` is the path of all
    /// weights.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::Weights;
    /// let weights = Weights::open("bert.safetensors")?
    ///     .rename("bert.embeddings.word_embeddings", "embed")
    ///     .rename("", "encoder");
    /// # drop(weights);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn rename(mut self, from: &str, to: &str) -> Self {
        let [from, to] = [from, to].map(|path| path.trim_end_matches('.').to_owned());
        self.renamings.push(Renaming::Path { from, to });
        self
    }

    /// Renames every tensor with a function.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::Weights;
    /// let weights = Weights::open("resnet18.safetensors")?
    ///     .rename_with(|name| name.replace(".downsample.0.", ".downsample.conv."));
    /// # drop(weights);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn rename_with(mut self, rename: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.renamings.push(Renaming::With(Box::new(rename)));
        self
    }

    /// Lets the tensors that a selector of the policy language selects keep their values where the
    /// weights do not have them, or not in their shape.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::Weights;
    /// let weights = Weights::open("resnet18.safetensors")?.allow_missing("fc");
    /// # drop(weights);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn allow_missing(mut self, selector: &str) -> Self {
        self.may_miss.push(selector.to_owned());
        self
    }

    /// Leaves out the weights for which the model has no tensor.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::Weights;
    /// let weights = Weights::open("bert-for-masked-lm.safetensors")?.allow_unexpected();
    /// # drop(weights);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn allow_unexpected(mut self) -> Self {
        self.allows.unexpected = true;
        self
    }

    /// Converts floating-point numbers to the dtypes of the model.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::Weights;
    /// // The file has bf16, and the model f32.
    /// let weights = Weights::open("Llama-3.1-8B/")?.cast();
    /// # drop(weights);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn cast(mut self) -> Self {
        self.allows.casts = true;
        self
    }

    /// Loads the weights into a store. Names, shapes and dtypes are compared first, and nothing is
    /// written unless all of them fit.
    ///
    /// # Errors
    /// Fails with all differences if weights and model do not fit, with the nearest names or the prefix
    /// that would fit. Fails if no name has a prefix or path that the program names, if two tensors get
    /// one name, or if a selector of [`Weights::allow_missing`] is invalid. Fails if a file cannot be
    /// read to its end, which can happen when a part of the model is written.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::Weights;
    /// use tch::{Device, nn};
    ///
    /// let model = |outputs| {
    ///     let vs = nn::VarStore::new(Device::Cpu);
    ///     let body = nn::linear(vs.root() / "body", 4, 8, Default::default());
    ///     let head = nn::linear(vs.root() / "head", 8, outputs, Default::default());
    ///     (vs, body, head)
    /// };
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("pretrained.safetensors");
    /// let (pretrained, body, _) = model(1000);
    /// pretrained.save(&path)?;
    ///
    /// let (vs, new_body, _) = model(10);
    /// let report = Weights::open(&path)?.allow_missing("head").load(&vs)?;
    /// assert_eq!(report.loaded, ["body.bias", "body.weight"]);
    /// assert_eq!(report.kept, ["head.bias", "head.weight"]);
    /// assert_eq!(new_body.ws, body.ws);
    ///
    /// // A new head has to be allowed.
    /// assert!(Weights::open(&path)?.load(&vs).is_err());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn load(&self, store: &nn::VarStore) -> Result<LoadReport, Error> {
        let BoundModel { model, tensors, .. } = BoundModel::of(store)?;
        let weights = self.renamed(&model)?;
        let mut may_miss = HashSet::new();
        for selector in &self.may_miss {
            let selected = matching::selected(selector, &model).map_err(WeightsError::Selector)?;
            may_miss.extend(selected);
        }
        let Matching { taken, kept, unused } =
            matching::matching(&weights, &model, &may_miss, self.allows)
                .map_err(WeightsError::Mismatch)?;
        let mut report = LoadReport { kept, unused, ..LoadReport::default() };
        let taken = taken.into_iter().filter_map(|(name, place, stored)| {
            Some((name, model.tensors().get(place)?, tensors.get(place)?, stored))
        });
        let taken: Vec<_> = taken.collect();
        if let Some((name, ..)) = taken.iter().find(|(_, _, tensor, _)| is_expanded(tensor)) {
            return Err(WeightsError::Expanded(name.clone()).into());
        }
        let _no_grad = tch::no_grad_guard();
        for (name, known, tensor, stored) in taken {
            real(tensor)?.f_copy_(&stored.read()?)?;
            if known.dtype != stored.dtype {
                report.cast.push(name.clone());
            }
            if name != stored.name {
                report.renamed.push((name.clone(), stored.name.clone()));
            }
            report.loaded.push(name);
        }
        Ok(report)
    }

    /// The weights by their new names.
    fn renamed(
        &self,
        model: &freeze_dsl::model::Model,
    ) -> Result<BTreeMap<String, &StoredTensor>, WeightsError> {
        let mut names: Vec<String> =
            self.tensors.iter().map(|tensor| tensor.name.clone()).collect();
        for renaming in &self.renamings {
            let mut applies = false;
            let new = names.iter().map(|name| {
                let renamed = renaming.apply(name);
                applies |= renamed.is_some();
                renamed.unwrap_or_else(|| name.clone())
            });
            let new: Vec<String> = new.collect();
            if let Renaming::Path { from, .. } = renaming
                && !applies
            {
                let stored: Vec<&str> = names.iter().map(String::as_str).collect();
                let known: Vec<&str> =
                    model.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
                let help = renaming::prefix_help(&stored, &known);
                let help = match help {
                    Some(help) => format!("\nhelp: {help}"),
                    None => format!("\nnote: {}", renaming::beginnings(&stored)),
                };
                return Err(WeightsError::NoSuchPath { path: from.clone(), help });
            }
            names = new;
        }
        let mut weights: BTreeMap<String, &StoredTensor> = BTreeMap::new();
        for (name, tensor) in names.into_iter().zip(&self.tensors) {
            if let Some(first) = weights.get(&name) {
                let [first, second] = [&first.name, &tensor.name].map(Clone::clone);
                return Err(WeightsError::Twice { name, first, second });
            }
            weights.insert(name, tensor);
        }
        Ok(weights)
    }
}
