//! Rows in a file that is mapped into memory.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use safetensors::tensor::{Metadata, TensorInfo};
use tch::{Device, Kind, Tensor};

use super::rows::select;
use crate::checkpoint::dtype_of;
use crate::{CacheError, Error};

/// How the names of files begin that belong to caches.
const NAME: &str = "feature-cache-";

/// Rows in a safetensors file of its own, which is removed with it. Written by ordinary writes, so that a
/// full disk is an error; read through memory that the file is mapped into.
#[derive(Debug)]
pub(super) struct DiskRows {
    folder: PathBuf,
    shape: Vec<i64>,
    kind: Kind,
    row_bytes: u64,
    used: i64,
    /// `None` until the first rows are added.
    file: Option<CacheFile>,
    /// The first rows of the file, mapped.
    mapped: RefCell<Option<Tensor>>,
}

/// A file that is removed when it is dropped.
#[derive(Debug)]
struct CacheFile {
    path: PathBuf,
    /// Locked, so that other caches do not remove it.
    file: File,
}

impl DiskRows {
    /// The bytes before the first row: a whole page, so that rows are aligned.
    pub(super) const HEADER: u64 = 4096;

    pub(super) fn new(folder: &Path, shape: Vec<i64>, kind: Kind, row_bytes: u64) -> Self {
        let (folder, mapped) = (folder.to_owned(), RefCell::new(None));
        Self { folder, shape, kind, row_bytes, used: 0, file: None, mapped }
    }

    /// The size of a file of so many rows.
    fn length(&self, rows: i64) -> u64 {
        Self::HEADER + self.row_bytes * rows.unsigned_abs()
    }

    /// The size of the file.
    pub(super) fn bytes(&self) -> u64 {
        if self.used == 0 { 0 } else { self.length(self.used) }
    }

    /// Adds rows. If the disk is full, those that were there before stay.
    pub(super) fn add(&mut self, rows: &Tensor) -> Result<(), Error> {
        let count = rows.size().first().copied().unwrap_or_default();
        let rows = rows.f_to_device_(Device::Cpu, self.kind, false, false)?.f_contiguous()?;
        let numbers = rows.numel();
        let mut bytes = vec![0; numbers * self.kind.elt_size_in_bytes()];
        rows.f_copy_data_u8(&mut bytes, numbers)?;
        let header = self.header(self.used + count)?;
        let end = self.length(self.used);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(CacheFile::new(&self.folder)?),
        };
        let written = file.write(end, &bytes).and_then(|()| file.write(0, &header));
        if let Err(error) = written {
            // What was written of them is not read, and takes up space.
            let _ = file.file.set_len(end);
            return Err(io_error(&file.path, error).into());
        }
        self.used += count;
        Ok(())
    }

    /// The header of a file of so many rows.
    fn header(&self, rows: i64) -> Result<Vec<u8>, Error> {
        let shape = std::iter::once(rows).chain(self.shape.iter().copied());
        let shape = shape.map(|size| usize::try_from(size).unwrap_or_default()).collect();
        let bytes = usize::try_from(self.row_bytes * rows.unsigned_abs()).unwrap_or(usize::MAX);
        let dtype = dtype_of(self.kind).ok_or(CacheError::Kind(self.kind, self.kind))?;
        let info = TensorInfo { dtype, shape, data_offsets: (0, bytes) };
        let metadata = Metadata::new(None, vec![("features".to_owned(), info)]);
        let metadata = metadata.map_err(io::Error::other);
        let text = metadata.and_then(|metadata| Ok(serde_json::to_vec(&metadata)?));
        let mut text = text.map_err(|error| io_error(&self.folder, error))?;
        let length = Self::HEADER - 8;
        text.resize(usize::try_from(length).unwrap_or_default(), b' ');
        Ok([&length.to_le_bytes(), text.as_slice()].concat())
    }

    /// Some rows, in memory.
    pub(super) fn get(&self, rows: &[i64]) -> Result<Tensor, Error> {
        let mut mapped = self.mapped.borrow_mut();
        let past = rows.iter().max().map_or(0, |last| last + 1);
        let known = mapped.as_ref().and_then(|all| all.size().first().copied()).unwrap_or_default();
        let all = match mapped.take().filter(|_| past <= known) {
            Some(all) => mapped.insert(all),
            None => mapped.insert(self.map()?),
        };
        Ok(select(all, rows)?)
    }

    /// All rows of the file.
    fn map(&self) -> Result<Tensor, Error> {
        let Some(file) = &self.file else {
            let problem = io::Error::new(io::ErrorKind::NotFound, "there are no rows");
            return Err(io_error(&self.folder, problem).into());
        };
        let name = file.mapped_name()?;
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let (header, all) = (signed(Self::HEADER), signed(self.length(self.used)));
        let mapped = Tensor::f_from_file(&name, false, all, (Kind::Uint8, Device::Cpu));
        let file = mapped.map_err(|error| io_error(&file.path, io::Error::other(error)))?;
        let numbers = file.f_narrow(0, header, all - header)?.f_view_dtype(self.kind)?;
        let size = std::iter::once(self.used).chain(self.shape.iter().copied());
        Ok(numbers.f_view(size.collect::<Vec<_>>().as_slice())?)
    }
}

impl CacheFile {
    fn new(folder: &Path) -> Result<Self, CacheError> {
        /// More than other processes could take away one after another.
        const MOST_TRIES: usize = 64;
        let folder = std::path::absolute(folder).map_err(|error| io_error(folder, error))?;
        let in_folder = |error| io_error(&folder, error);
        fs::create_dir_all(&folder).map_err(in_folder)?;
        remove_abandoned(&folder).map_err(in_folder)?;
        for _ in 0..MOST_TRIES {
            let path = folder.join(unique_name());
            let mut options = OpenOptions::new();
            let file = match options.read(true).write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file.map_err(|error| io_error(&path, error))?,
            };
            // Where a file system has no locks, nothing is removed either.
            let _ = file.try_lock();
            // Until it was locked, another cache may have taken it for one that a crash has left.
            if path.exists() {
                return Ok(Self { path, file });
            }
        }
        Err(io_error(&folder, io::Error::other("files of the cache are removed as they are made")))
    }

    /// A name under which the open file can be mapped, whatever has become of its path.
    #[cfg(target_os = "linux")]
    #[expect(clippy::unnecessary_wraps, reason = "a path may have no name elsewhere")]
    fn mapped_name(&self) -> Result<String, CacheError> {
        use std::os::fd::AsRawFd;
        Ok(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// A name under which the file can be mapped.
    #[cfg(not(target_os = "linux"))]
    fn mapped_name(&self) -> Result<String, CacheError> {
        let name = self.path.to_str().map(str::to_owned);
        name.ok_or_else(|| {
            let problem = "only a path in UTF-8 can be mapped into memory";
            io_error(&self.path, io::Error::new(io::ErrorKind::InvalidInput, problem))
        })
    }

    fn write(&mut self, place: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(bytes)
    }
}

impl Drop for CacheFile {
    fn drop(&mut self) {
        // If it cannot be removed now, the next cache in the folder removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// A name that no other cache has, whose process may have the same number in another container.
fn unique_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{NAME}{}-{:x}-{number}.safetensors", process::id(), since.as_nanos())
}

/// Removes the files of caches whose process has ended: nobody has locked them.
fn remove_abandoned(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_file_of_a_cache = name.starts_with(NAME) && name.ends_with(".safetensors");
        let abandoned = |file: &File| file.try_lock().is_ok();
        if is_file_of_a_cache && File::open(&path).is_ok_and(|file| abandoned(&file)) {
            // Another cache may have been faster.
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn io_error(path: &Path, error: io::Error) -> CacheError {
    CacheError::Io { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::path::Path;

    use safetensors::SafeTensors;
    use tch::{Kind, Tensor};

    use super::{DiskRows, NAME};
    use crate::{CacheError, Error};

    fn rows(of: impl IntoIterator<Item = u8>) -> Tensor {
        let numbers: Vec<f32> = of.into_iter().flat_map(|row| [f32::from(row), 0.5]).collect();
        Tensor::from_slice(&numbers).view([-1, 2])
    }

    fn store(folder: &Path) -> DiskRows {
        DiskRows::new(folder, vec![2], Kind::Float, 8)
    }

    #[test]
    fn rows_are_in_a_safetensors_file_that_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(&folder.path().join("new"));
        store.add(&rows(0..4)).unwrap();
        assert_eq!(store.get(&[2, 0]).unwrap(), rows([2, 0]));
        store.add(&rows(4..6)).unwrap();
        assert_eq!(store.get(&[5, 1]).unwrap(), rows([5, 1]));
        let path = store.file.as_ref().unwrap().path.clone();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len() as u64, store.bytes());
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensor("features").unwrap().shape(), [6, 2]);
        drop(store);
        assert!(!path.exists());
    }

    #[test]
    fn an_abandoned_file_is_removed_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let [mut live, mut other] = [store(folder.path()), store(folder.path())];
        live.add(&rows(0..1)).unwrap();
        let abandoned = folder.path().join(format!("{NAME}1-1.safetensors"));
        let own = folder.path().join("features.safetensors");
        for path in [&abandoned, &own] {
            fs::write(path, "").unwrap();
        }
        other.add(&rows(0..1)).unwrap();
        assert!(!abandoned.exists());
        assert!(own.exists() && live.file.as_ref().unwrap().path.exists());
    }

    #[test]
    fn what_becomes_of_its_path_does_not_matter_to_an_open_file() {
        if !cfg!(target_os = "linux") {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        store.add(&rows(0..4)).unwrap();
        let path = store.file.as_ref().unwrap().path.clone();
        fs::remove_file(&path).unwrap();
        assert_eq!(store.get(&[3, 1]).unwrap(), rows([3, 1]));
        // Another file in its place, of the same size.
        fs::write(&path, vec![1; usize::try_from(store.bytes()).unwrap()]).unwrap();
        store.add(&rows(4..6)).unwrap();
        assert_eq!(store.get(&[5, 0]).unwrap(), rows([5, 0]));
    }

    #[test]
    fn caches_that_begin_at_once_in_one_folder_have_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let folder = folder.path();
                scope.spawn(move || {
                    for _ in 0..100 {
                        let mut store = store(folder);
                        store.add(&rows([thread, 9])).unwrap();
                        assert_eq!(store.get(&[0]).unwrap(), rows([thread]));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_is_an_error_and_what_was_stored_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        store.add(&rows(0..4)).unwrap();
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else { return };
        let own = std::mem::replace(&mut store.file.as_mut().unwrap().file, full);
        let error = store.add(&rows(4..8)).unwrap_err();
        assert!(matches!(error, Error::Cache(CacheError::Io { .. })), "{error}");
        store.file.as_mut().unwrap().file = own;
        assert_eq!(store.get(&[3]).unwrap(), rows([3]));
        store.add(&rows(4..8)).unwrap();
        assert_eq!(store.get(&[3, 7]).unwrap(), rows([3, 7]));
    }
}
