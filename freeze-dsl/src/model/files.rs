//! The files that hold a model: one file, a sharded checkpoint, or a folder with either.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Model, ModelError, json, safetensors, shape_faults};
use crate::text_file;

/// The end of the name of an index of shards.
const INDEX: &str = ".safetensors.index.json";

/// Where a model's description is read from.
pub(super) enum ModelFiles {
    /// A `.safetensors` file.
    Weights(PathBuf),
    /// Files of weights that are one model together.
    Shards {
        /// The index that names them, and in which file it has each tensor.
        index: Option<(PathBuf, ShardIndex)>,
        shards: Vec<PathBuf>,
    },
    /// A `.model.json` file.
    Description(PathBuf),
}

/// The content of a `.safetensors.index.json` file.
#[derive(Deserialize)]
pub(super) struct ShardIndex {
    /// The file of each tensor, relative to the index.
    weight_map: BTreeMap<String, String>,
}

impl ModelFiles {
    /// The files of a path.
    pub(super) fn of(path: &Path) -> Result<Self, ModelError> {
        if path.is_dir() { Self::in_folder(path) } else { Self::of_file(path) }.map_err(|error| {
            match error {
                ModelError::InFile(..) => error,
                ModelError::UnknownKind if path.extension().is_none() && !path.exists() => {
                    ModelError::Missing.in_file(path)
                }
                error => error.in_file(path),
            }
        })
    }

    fn of_file(path: &Path) -> Result<Self, ModelError> {
        let name = path.to_string_lossy();
        if name.ends_with(INDEX) {
            return Self::of_index(path);
        }
        if name.ends_with(".json") {
            return Ok(Self::Description(path.to_owned()));
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Ok(Self::Weights(path.to_owned())),
            Some(extension) => Err(conversion(extension)),
            None => Err(ModelError::UnknownKind),
        }
    }

    fn of_index(path: &Path) -> Result<Self, ModelError> {
        let text = text_file::read(path)?;
        let index: ShardIndex = serde_json::from_str(&text).map_err(|error| {
            let expected = "an object with `weight_map`";
            ModelError::Index(shape_faults::fault(&text, expected, shape_faults::of_index, &error))
        })?;
        if index.weight_map.is_empty() {
            return Err(ModelError::Index("its `weight_map` names no tensor".to_owned()));
        }
        let shards: BTreeSet<&str> = index.weight_map.values().map(String::as_str).collect();
        let shards = shards.into_iter().map(|shard| path.with_file_name(shard)).collect();
        Ok(Self::Shards { index: Some((path.to_owned(), index)), shards })
    }

    /// As a model hub fills a folder: an index and its shards, or one file, or several; else its
    /// only description.
    fn in_folder(folder: &Path) -> Result<Self, ModelError> {
        let mut names: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        let ending = |end: &str| -> Vec<&str> {
            names.iter().map(String::as_str).filter(|name| name.ends_with(end)).collect()
        };
        let usual = format!("model{INDEX}");
        match ending(INDEX).as_slice() {
            indices if indices.contains(&usual.as_str()) => {
                return Self::of(&folder.join(usual));
            }
            [only] => return Self::of(&folder.join(only)),
            _ => {}
        }
        match ending(".safetensors").as_slice() {
            files if files.contains(&"model.safetensors") => {
                Ok(Self::Weights(folder.join("model.safetensors")))
            }
            [] => {
                match ending(".model.json").as_slice() {
                    [] => {}
                    [only] => return Ok(Self::Description(folder.join(only))),
                    _ => return Err(ModelError::ManyDescriptions),
                }
                let extensions =
                    names.iter().filter_map(|name| Path::new(name).extension()?.to_str());
                Err(extensions
                    .map(conversion)
                    .find(|error| matches!(error, ModelError::Conversion { .. }))
                    .unwrap_or(ModelError::EmptyFolder))
            }
            files => {
                let shards = files.iter().map(|file| folder.join(file)).collect();
                Ok(Self::Shards { index: None, shards })
            }
        }
    }

    /// Every file that is read.
    pub(super) fn paths(self) -> Vec<PathBuf> {
        match self {
            Self::Weights(path) | Self::Description(path) => vec![path],
            Self::Shards { index, shards } => {
                index.into_iter().map(|(path, _)| path).chain(shards).collect()
            }
        }
    }

    /// Reads the headers.
    pub(super) fn read(&self) -> Result<Model, ModelError> {
        match self {
            Self::Weights(path) => {
                let tensors = safetensors::load(path).map_err(|error| error.in_file(path))?;
                Model::new(tensors).map_err(|error| error.in_file(path))
            }
            Self::Description(path) => text_file::read(path)
                .map_err(ModelError::from)
                .and_then(|text| json::read(&text))
                .map_err(|error| error.in_file(path)),
            Self::Shards { index, shards } => {
                let mut tensors = Vec::new();
                for shard in shards {
                    let own = safetensors::load(shard).map_err(|error| error.in_file(shard))?;
                    if let Some((_, index)) = index {
                        let names: HashSet<&str> =
                            own.iter().map(|tensor| tensor.name.as_str()).collect();
                        index.check(shard, &names)?;
                    }
                    tensors.extend(own);
                }
                let named = index.as_ref().map(|(path, _)| path).or(shards.last());
                Model::new(tensors).map_err(|error| match named {
                    Some(path) => error.in_file(path),
                    None => error,
                })
            }
        }
    }
}

impl ShardIndex {
    /// Checks that a shard has the tensors that the index has in it.
    fn check(&self, shard: &Path, names: &HashSet<&str>) -> Result<(), ModelError> {
        let is_own = |file: &str| shard.file_name() == Path::new(file).file_name();
        let own = self.weight_map.iter().filter(|(_, file)| is_own(file)).map(|(name, _)| name);
        match own.into_iter().find(|name| !names.contains(name.as_str())) {
            Some(missing) => Err(ModelError::NotInShard(missing.clone()).in_file(shard)),
            None => Ok(()),
        }
    }
}

/// The error for a file of another kind: how to convert it, where that is known.
fn conversion(extension: &str) -> ModelError {
    let how = match extension.to_ascii_lowercase().as_str() {
        "bin" | "pt" | "pth" | "ckpt" => {
            "in Python: `safetensors.torch.save_file(torch.load(path, weights_only=True), \
             \"model.safetensors\")`, with the dictionary of tensors if the file has more"
        }
        "gguf" => {
            "in Python: load it with `AutoModel.from_pretrained(folder, gguf_file=name)` and call \
             `save_pretrained`; train the model that it was made from"
        }
        "h5" => {
            "in Python: load it with `AutoModel.from_pretrained(folder, from_tf=True)` and call \
             `save_pretrained`"
        }
        "onnx" => {
            "in Python: `safetensors.numpy.save_file({t.name: onnx.numpy_helper.to_array(t) for t \
             in onnx.load(path).graph.initializer}, \"model.safetensors\")`"
        }
        _ => return ModelError::UnknownKind,
    };
    ModelError::Conversion { extension: extension.to_owned(), how }
}
