//! Tensors of a checkpoint that have the same numbers: tied parameters are saved twice by some
//! programs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use freeze_dsl::model::{Model, ModelError, Tensor, weights_header};

/// How many bytes are compared at a time.
const CHUNK: usize = 1 << 16;

/// Pairs of tensors with the same numbers.
#[derive(Default)]
pub(crate) struct EqualTensors {
    /// The later name of a tied parameter, with the first.
    pub(crate) ties: BTreeMap<String, String>,
    /// Pairs that may be copies.
    pub(crate) others: Vec<(String, String)>,
}

/// Where a tensor's numbers lie.
struct Stored {
    file: usize,
    start: u64,
    length: u64,
}

/// Compares the tensors of equal shape and type. An embedding that has the numbers of another
/// embedding or of an output layer is tied to it, unless other matrices of the model are equal as
/// well: those are copies, as of a teacher or of experts.
pub(crate) fn equal_tensors(model: &Model, checkpoint: &Path) -> Result<EqualTensors, ModelError> {
    let mut alike: BTreeMap<(&str, &[usize]), Vec<&Tensor>> = BTreeMap::new();
    for tensor in model.tensors() {
        // Vectors are equal by chance: those of ones, and of zeros.
        if tensor.shape.len() >= 2 && tensor.same_as.is_none() {
            alike.entry((&tensor.dtype, &tensor.shape)).or_default().push(tensor);
        }
    }
    alike.retain(|_, tensors| tensors.len() > 1);
    if alike.is_empty() {
        return Ok(EqualTensors::default());
    }
    let mut numbers = StoredNumbers::open(checkpoint)?;
    let mut found = EqualTensors::default();
    for tensors in alike.values() {
        let mut firsts: Vec<(&Tensor, Vec<u8>)> = Vec::new();
        for tensor in tensors {
            let Some(begin) = numbers.chunk(&tensor.name, 0)? else { continue };
            let mut equal = None;
            for (first, first_begin) in &firsts {
                if *first_begin == begin && numbers.are_equal(&first.name, &tensor.name)? {
                    equal = Some(*first);
                    break;
                }
            }
            match equal {
                None => firsts.push((tensor, begin)),
                Some(_) if is_constant(&begin) => {}
                Some(first) if is_tied(first, tensor) => {
                    found.ties.insert(tensor.name.clone(), first.name.clone());
                }
                Some(first) => found.others.push((first.name.clone(), tensor.name.clone())),
            }
        }
    }
    if !found.others.is_empty() {
        found
            .others
            .extend(std::mem::take(&mut found.ties).into_iter().map(|(tied, of)| (of, tied)));
    }
    Ok(found)
}

/// Whether the names are those of an embedding and of what is tied to embeddings.
fn is_tied(one: &Tensor, other: &Tensor) -> bool {
    let modules = [one, other].map(|tensor| {
        let module = tensor.name.rsplit('.').nth(1).unwrap_or("");
        module.to_ascii_lowercase()
    });
    modules
        .iter()
        .any(|module| module.contains("emb") || ["wte", "shared", "w"].contains(&module.as_str()))
}

/// Whether all of these bytes are those of one number, as in a tensor of zeros.
fn is_constant(bytes: &[u8]) -> bool {
    let (first, _) = bytes.split_at(bytes.len().min(8));
    bytes.chunks(8).all(|chunk| first.starts_with(chunk))
}

/// The tensors' numbers in the files of a checkpoint.
struct StoredNumbers {
    files: Vec<File>,
    places: BTreeMap<String, Stored>,
}

impl StoredNumbers {
    fn open(checkpoint: &Path) -> Result<Self, ModelError> {
        let mut numbers = Self { files: Vec::new(), places: BTreeMap::new() };
        let is_weights =
            |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "safetensors");
        for path in Model::files(checkpoint)?.into_iter().filter(is_weights) {
            let header = weights_header(&path)?;
            for name in header.metadata.offset_keys() {
                let Some(info) = header.metadata.info(&name) else { continue };
                let (start, end) = info.data_offsets;
                let stored = Stored {
                    file: numbers.files.len(),
                    start: header.start + start as u64,
                    length: (end - start) as u64,
                };
                numbers.places.insert(name, stored);
            }
            numbers.files.push(File::open(&path)?);
        }
        Ok(numbers)
    }

    /// The bytes of a tensor from `at` on, at most a chunk; `None` if they are in no file.
    fn chunk(&mut self, name: &str, at: u64) -> Result<Option<Vec<u8>>, ModelError> {
        let Some(stored) = self.places.get(name) else { return Ok(None) };
        let Some(file) = self.files.get_mut(stored.file) else { return Ok(None) };
        file.seek(SeekFrom::Start(stored.start + at))?;
        let mut bytes = Vec::with_capacity(CHUNK);
        file.take((stored.length - at).min(CHUNK as u64)).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn are_equal(&mut self, one: &str, other: &str) -> Result<bool, ModelError> {
        let Some(length) = self.places.get(one).map(|stored| stored.length) else {
            return Ok(false);
        };
        for at in (0..length).step_by(CHUNK) {
            if self.chunk(one, at)? != self.chunk(other, at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
