//! The header of a `.safetensors` file
//! (<https://huggingface.co/docs/safetensors/index#format>): 8 bytes of length, then JSON.

use std::cmp::Ordering;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use safetensors::tensor::Metadata;

use super::names::{is_buffer, role_of};
use super::{ModelError, Role, Tensor, shape_faults};

/// The longest header that safetensors itself reads.
const MAX_HEADER: u64 = 100_000_000;

/// The first bytes of the text that Git LFS has in the place of a large file
/// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const LFS_POINTER: &[u8; 8] = b"version ";

/// The header of a file, and where its tensors begin.
#[derive(Debug)]
pub struct WeightsHeader {
    /// The name, shape, type and place of each tensor.
    pub metadata: Metadata,
    /// The place from which the places of tensors are counted, in bytes.
    pub start: u64,
}

/// Reads only the header: the tensors may be many gigabytes.
///
/// # Errors
/// If the file cannot be read, if its header is not one of a safetensors file, or if the file is
/// shorter or longer than its header says.
pub fn weights_header(path: &Path) -> Result<WeightsHeader, ModelError> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut length = [0; 8];
    let too_short = |_| ModelError::Header("the file is too short for a header".to_owned());
    file.read_exact(&mut length).map_err(too_short)?;
    if &length == LFS_POINTER {
        return Err(ModelError::LfsPointer);
    }
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(ModelError::Header(format!("its header would have {length} bytes")));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    if header.len() as u64 != length {
        return Err(ModelError::Header("the file ends within its header".to_owned()));
    }
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| {
        let text = String::from_utf8_lossy(&header);
        let expected = "its header to be an object of tensors";
        ModelError::Header(shape_faults::fault(&text, expected, shape_faults::of_header, &error))
    })?;
    let start = 8 + length;
    let end = start.saturating_add(metadata.data_len() as u64);
    match size.cmp(&end) {
        Ordering::Less => Err(ModelError::CutOff(size, end)),
        Ordering::Equal => Ok(WeightsHeader { metadata, start }),
        Ordering::Greater => Err(ModelError::LeftOver(size, end)),
    }
}

/// The tensors of a file, by its header, and the other names of tied ones.
pub(super) fn load(path: &Path) -> Result<Vec<Tensor>, ModelError> {
    let WeightsHeader { metadata, .. } = weights_header(path)?;
    let mut tensors: Vec<Tensor> = metadata
        .offset_keys()
        .into_iter()
        .filter_map(|name| tensor(&metadata, name, None))
        .collect();
    // A tensor under two names is in the file once. `safetensors.torch.save_model` writes its other
    // names beside the tensors, each with the name in the file.
    let mut aliases: Vec<(&String, &String)> = metadata.metadata().iter().flatten().collect();
    aliases.sort_unstable();
    for (alias, name) in aliases {
        let is_alias = metadata.info(alias).is_none() && !alias.split('.').any(str::is_empty);
        let of = metadata.info(name).filter(|_| is_alias).map(|_| name.clone());
        tensors.extend(of.and_then(|of| tensor(&metadata, alias.clone(), Some(of))));
    }
    Ok(tensors)
}

/// A tensor with the shape and type of `same_as`, or else of its own name.
fn tensor(metadata: &Metadata, name: String, same_as: Option<String>) -> Option<Tensor> {
    let first = same_as.as_ref().unwrap_or(&name);
    let info = metadata.info(first)?;
    let role = if is_buffer(role_of(first).1) { Role::Buffer } else { Role::Parameter };
    Some(Tensor {
        shape: info.shape.clone(),
        dtype: info.dtype.to_string().to_lowercase(),
        role,
        same_as,
        name,
    })
}
