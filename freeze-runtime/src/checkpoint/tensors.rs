//! Tensors in a file: [safetensors](https://huggingface.co/docs/safetensors/index#format), with a
//! checksum that is kept in `checkpoint.json`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{damaged, io_error};
use crate::optim::real;
use crate::{CheckpointError, Error};

/// The dtypes that can be saved.
const KINDS: [(Kind, Dtype); 14] = [
    (Kind::Bool, Dtype::BOOL),
    (Kind::Uint8, Dtype::U8),
    (Kind::Int8, Dtype::I8),
    (Kind::Int16, Dtype::I16),
    (Kind::Int, Dtype::I32),
    (Kind::Int64, Dtype::I64),
    (Kind::Half, Dtype::F16),
    (Kind::BFloat16, Dtype::BF16),
    (Kind::Float, Dtype::F32),
    (Kind::Double, Dtype::F64),
    (Kind::Float8e5m2, Dtype::F8_E5M2),
    (Kind::Float8e4m3fn, Dtype::F8_E4M3),
    (Kind::Float8e5m2fnuz, Dtype::F8_E5M2FNUZ),
    (Kind::Float8e4m3fnuz, Dtype::F8_E4M3FNUZ),
];

/// So many bytes of a tensor are copied to be written at a time, whatever its size.
const PIECE: usize = 8 << 20;

/// libtorch's name of a dtype, if it has it.
pub(crate) fn kind_of(dtype: Dtype) -> Option<Kind> {
    KINDS.iter().find(|(_, known)| *known == dtype).map(|(kind, _)| *kind)
}

/// The dtype in a file, if it can be saved.
pub(crate) fn dtype_of(kind: Kind) -> Option<Dtype> {
    KINDS.iter().find(|(known, _)| *known == kind).map(|(_, dtype)| *dtype)
}

/// The size and checksum of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checksum {
    bytes: u64,
    /// The CRC-32 of its bytes, as of gzip and PNG.
    crc32: u32,
}

/// Writes tensors into a new file.
pub(super) fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<Checksum, Error> {
    let mut all = Vec::with_capacity(tensors.len());
    let mut names = HashSet::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        // The format has this name for something else.
        if name == "__metadata__" || !names.insert(name) {
            return Err(CheckpointError::Name(name.clone()).into());
        }
        let tensor = real(tensor)?;
        let kind = tensor.f_kind()?;
        let Some(dtype) = dtype_of(kind) else {
            let (name, kind) = (name.clone(), format!("{kind:?}"));
            return Err(CheckpointError::Kind { name, kind }.into());
        };
        all.push((name, tensor, dtype));
    }
    // Large elements first, so that each tensor is aligned.
    all.sort_by_key(|(_, _, dtype)| std::cmp::Reverse(dtype.bitsize()));
    let file = File::create_new(path).map_err(io_error(path))?;
    let mut out = ChecksumWriter { to: BufWriter::new(file), hasher: Hasher::new(), bytes: 0 };
    let infos = infos(&all);
    let header = Metadata::new(None, infos).map_err(|error| damaged(path, error.to_string()))?;
    let mut header =
        serde_json::to_string(&header).map_err(|error| damaged(path, error.to_string()))?;
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(io_error(path));
    put(&(header.len() as u64).to_le_bytes())?;
    put(header.as_bytes())?;
    for (_, tensor, _) in &all {
        in_pieces(tensor, &mut put)?;
    }
    out.flush().map_err(io_error(path))?;
    Ok(Checksum { bytes: out.bytes, crc32: out.hasher.finalize() })
}

/// The CRC-32 of a tensor's bytes.
pub(crate) fn crc32(tensor: &Tensor) -> Result<u32, Error> {
    let mut hasher = Hasher::new();
    in_pieces(&real(tensor)?, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.finalize())
}

/// Passes the bytes of a tensor on, a piece at a time.
fn in_pieces(
    tensor: &Tensor,
    mut pass: impl FnMut(&[u8]) -> Result<(), CheckpointError>,
) -> Result<(), Error> {
    // A copy only where its elements do not lie one after another.
    let numbers = tensor.f_reshape([-1])?;
    let size = numbers.f_kind()?.elt_size_in_bytes();
    let most = (PIECE / size).max(1);
    let mut bytes = Vec::new();
    for start in (0..numbers.numel()).step_by(most) {
        let count = most.min(numbers.numel() - start);
        bytes.resize(count * size, 0);
        let [first, length] = [start, count].map(|it| i64::try_from(it).unwrap_or(i64::MAX));
        numbers.f_narrow(0, first, length)?.f_copy_data_u8(&mut bytes, count)?;
        pass(&bytes)?;
    }
    Ok(())
}

/// The entry of each tensor in the header.
fn infos(tensors: &[(&String, Tensor, Dtype)]) -> Vec<(String, TensorInfo)> {
    let mut end = 0;
    let info = |(name, tensor, dtype): &(&String, Tensor, Dtype)| {
        let start = end;
        end += tensor.numel() * dtype.bitsize() / 8;
        let info = TensorInfo { dtype: *dtype, shape: shape(tensor), data_offsets: (start, end) };
        ((*name).clone(), info)
    };
    tensors.iter().map(info).collect()
}

fn shape(tensor: &Tensor) -> Vec<usize> {
    tensor.size().into_iter().map(|size| usize::try_from(size).unwrap_or_default()).collect()
}

/// A file of tensors, read into memory completely.
pub(crate) struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    metadata: Metadata,
    /// Where the tensors start in the bytes; offsets of the metadata count from there.
    start: usize,
}

impl TensorFile {
    /// Reads a file that must have this checksum.
    pub(super) fn read(path: PathBuf, checksum: Checksum) -> Result<Self, CheckpointError> {
        let length = fs::metadata(&path).map_err(io_error(&path))?.len();
        if length != checksum.bytes {
            let problem =
                format!("it is {length} bytes long, and was {} bytes long", checksum.bytes);
            return Err(damaged(&path, problem));
        }
        let bytes = fs::read(&path).map_err(io_error(&path))?;
        if crc32fast::hash(&bytes) != checksum.crc32 {
            return Err(damaged(&path, "its bytes differ (by its CRC-32)"));
        }
        Self::of(path, bytes)
    }

    /// A file with these bytes.
    pub(crate) fn of(path: PathBuf, bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        let header = SafeTensors::read_metadata(&bytes);
        let (header, metadata) = header.map_err(|error| damaged(&path, error.to_string()))?;
        Ok(Self { path, bytes, metadata, start: 8 + header })
    }

    /// Its path and its bytes.
    pub(crate) fn contents(&self) -> (&Path, &[u8]) {
        (&self.path, &self.bytes)
    }

    /// Fails unless it has tensors of all these names.
    pub(crate) fn require_all(&self, names: &HashSet<String>) -> Result<(), CheckpointError> {
        match names.iter().find(|name| self.metadata.info(name).is_none()) {
            Some(name) => Err(self.damaged(format!("`{name}` is not in it"))),
            None => Ok(()),
        }
    }

    /// Fails if it has tensors of other names.
    pub(crate) fn require_no_others(&self, names: &HashSet<String>) -> Result<(), CheckpointError> {
        match self.names().into_iter().find(|name| !names.contains(name)) {
            Some(name) => Err(self.damaged(format!("`{name}` does not belong in it"))),
            None => Ok(()),
        }
    }

    /// The error that it differs from what was saved.
    pub(crate) fn damaged(&self, problem: String) -> CheckpointError {
        damaged(&self.path, problem)
    }

    /// The names of its tensors.
    pub(crate) fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// A copy of a tensor, on the CPU; a complex one as pairs of real numbers.
    pub(crate) fn get(&self, name: &str) -> Result<Tensor, Error> {
        let (info, kind, size) = self.described(name)?;
        let (first, past) = info.data_offsets;
        let bytes = self.bytes.get(self.start + first..self.start + past).unwrap_or_default();
        Ok(Tensor::f_from_data_size(bytes, &size, kind)?)
    }

    /// Fails unless a tensor of this file, or these rows of it, can replace `like`, converted to
    /// its dtype if `may_be_converted`.
    pub(crate) fn require_like(
        &self,
        name: &str,
        rows: Option<&Range<usize>>,
        like: &Tensor,
        may_be_converted: bool,
    ) -> Result<(), Error> {
        let (_, kind, mut size) = self.described(name)?;
        if let (Some(rows), Some(all)) = (rows, size.first_mut()) {
            let [length, end] =
                [rows.len(), rows.end].map(|it| i64::try_from(it).unwrap_or(i64::MAX));
            *all = if end <= *all { length } else { 0 };
        }
        let like = real(like)?;
        let (like_kind, like_size) = (like.f_kind()?, like.size());
        if (may_be_converted || kind == like_kind) && size == like_size {
            return Ok(());
        }
        Err(self
            .damaged(format!(
                "`{name}` is {kind:?} {size:?}, and should be {like_kind:?} {like_size:?}"
            ))
            .into())
    }

    fn described(&self, name: &str) -> Result<(&TensorInfo, Kind, Vec<i64>), CheckpointError> {
        let info = self.metadata.info(name);
        let info = info.ok_or_else(|| self.damaged(format!("`{name}` is not in it")))?;
        let kind = kind_of(info.dtype).ok_or_else(|| {
            self.damaged(format!("`{name}` has dtype {}, which is not supported", info.dtype))
        })?;
        let size = info.shape.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX));
        Ok((info, kind, size.collect()))
    }
}

/// Computes the checksum of what is written.
struct ChecksumWriter<W> {
    to: W,
    hasher: Hasher,
    bytes: u64,
}

impl<W: Write> Write for ChecksumWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
