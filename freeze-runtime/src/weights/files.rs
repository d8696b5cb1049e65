//! The files of weights: their headers, and the bytes of one tensor at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use freeze_dsl::model::{Model, ModelError, WeightsHeader, weights_header};
use tch::Tensor;

use crate::checkpoint::kind_of;
use crate::{Error, WeightsError};

/// A tensor in a file.
#[derive(Debug, Clone)]
pub(super) struct StoredTensor {
    /// Its name in the file.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    /// As safetensors writes it, in lower case.
    pub(super) dtype: String,
    path: PathBuf,
    kind: Option<tch::Kind>,
    /// Where its bytes begin in the file, and how many they are.
    start: u64,
    length: usize,
}

/// The tensors of a file, of the shards of an index, or of a folder with either.
pub(super) fn open(path: &Path) -> Result<Vec<StoredTensor>, WeightsError> {
    // Checks that an index and its shards agree, and that no name occurs twice.
    drop(Model::load(path).map_err(WeightsError::Files)?);
    let mut tensors = Vec::new();
    for file in Model::files(path).map_err(WeightsError::Files)? {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => tensors.extend(stored(&file)?),
            // The index of the files that follow.
            _ if file.to_string_lossy().ends_with(".index.json") => {}
            _ => return Err(WeightsError::Description(file)),
        }
    }
    Ok(tensors)
}

fn stored(path: &Path) -> Result<Vec<StoredTensor>, WeightsError> {
    let in_file = |error: ModelError| {
        WeightsError::Files(ModelError::InFile(path.display().to_string(), Box::new(error)))
    };
    let WeightsHeader { metadata, start } = weights_header(path).map_err(in_file)?;
    let names = metadata.offset_keys().into_iter();
    Ok(names
        .filter_map(|name| {
            let info = metadata.info(&name)?;
            let (first, past) = info.data_offsets;
            Some(StoredTensor {
                shape: info.shape.clone(),
                dtype: info.dtype.to_string().to_lowercase(),
                path: path.to_owned(),
                kind: kind_of(info.dtype),
                start: start + first as u64,
                length: past.saturating_sub(first),
                name,
            })
        })
        .collect())
}

impl StoredTensor {
    /// Its values, on the CPU.
    pub(super) fn read(&self) -> Result<Tensor, Error> {
        let read = || {
            let kind = self.kind.ok_or_else(|| {
                let problem = format!("`{}` has a dtype that libtorch does not have", self.name);
                io::Error::new(io::ErrorKind::Unsupported, problem)
            })?;
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.start))?;
            let mut bytes = vec![0; self.length];
            file.read_exact(&mut bytes)?;
            Ok((kind, bytes))
        };
        let (kind, bytes) = read().map_err(io_error(&self.path))?;
        let sizes = self.shape.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX));
        Ok(Tensor::f_from_data_size(&bytes, &sizes.collect::<Vec<_>>(), kind)?)
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> WeightsError + '_ {
    |error| WeightsError::Io { path: path.to_owned(), error }
}
