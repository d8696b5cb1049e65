//! The folder of a checkpoint, and how a new one replaces the old one.
//!
//! A checkpoint is a folder `checkpoint` in the folder that the program names. A new one is written
//! into a folder of its own beside it and brought to disk; then the old one is renamed, the new one
//! is renamed to `checkpoint`, and the old one is removed:
//!
//! ```text
//!                      checkpoint   checkpoint.replaced   checkpoint.new-0
//! while it is written  old          -                     part of the new one
//! first rename         -            old                   new
//! second rename        new          old                   -
//! removal              new          part of the old one   -
//! ```
//!
//! In each of these states one is complete, and [`read`] finds it: `checkpoint`, or else
//! `checkpoint.replaced`. A crash leaves one of these states, and the next [`replace`] cleans up.
//!
//! Each rename is atomic. Nothing waits for the disk between the two, and they may reach it in
//! either order: the first without the second is in the table, and the second without the first
//! leaves the new one as `checkpoint` and removes the name of the old one. A complete checkpoint is
//! removed only once the renames that replace it are on disk.
//!
//! A writer holds an exclusive lock of the operating system on `checkpoint.lock`, which ends with
//! its process, and a reader holds a shared lock. Where a file system has no locks, nothing is
//! damaged either: folders of new checkpoints have distinct names, and one of two writers that
//! rename at the same time gets an error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::io_error;
use crate::CheckpointError;

/// The file that every checkpoint has.
pub(super) const MANIFEST: &str = "checkpoint.json";
const CURRENT: &str = "checkpoint";
const REPLACED: &str = "checkpoint.replaced";
const NEW: &str = "checkpoint.new-";
const LOCK: &str = "checkpoint.lock";

/// Calls `write` with an empty folder, which then replaces the checkpoint in `dir`.
pub(super) fn replace<E: From<CheckpointError>>(
    dir: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    // A path without names is the current folder, as it is to `read`.
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    create(dir, sync_folder)?;
    let lock = lock(dir)?;
    clean(dir, lock.is_some(), sync_folder)?;
    let [current, old] = [CURRENT, REPLACED].map(|name| dir.join(name));
    if is_taken(&current) && !is_checkpoint(&current) {
        return Err(CheckpointError::Foreign(current).into());
    }
    if is_taken(&old) && !old.is_dir() {
        return Err(CheckpointError::Foreign(old).into());
    }
    let new = create_new(dir)?;
    let written = write(&new).and_then(|()| Ok(put_in_place(dir, &new)?));
    if written.is_err() {
        // The next call removes what cannot be removed now.
        let _ = fs::remove_dir_all(&new);
    }
    written
}

/// Calls `read` with the folder of the checkpoint in `dir`.
pub(super) fn read<T, E: From<CheckpointError>>(
    dir: &Path,
    read: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    // A copy without the file, such as a read-only one, has no writers.
    let lock = File::open(dir.join(LOCK)).ok();
    let _lock = lock.filter(|file| is_locked(|| file.lock_shared()));
    let places = [CURRENT, REPLACED].map(|name| dir.join(name));
    let whole = places.iter().find(|path| is_checkpoint(path));
    match whole.or_else(|| places.iter().find(|path| path.is_dir())) {
        Some(path) => read(path),
        None => Err(CheckpointError::Missing(dir.to_owned()).into()),
    }
}

/// Whether there is anything at a path, a link to nothing included.
fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether a folder is a checkpoint, and not a folder of another program.
fn is_checkpoint(folder: &Path) -> bool {
    folder.join(MANIFEST).exists()
}

/// Creates a folder and its parents so that they survive a crash: a folder does once its entry in
/// its parent is on disk, which `sync` waits for.
fn create(
    dir: &Path,
    sync: impl Fn(&Path) -> Result<(), CheckpointError>,
) -> Result<(), CheckpointError> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
    for folder in missing.into_iter().rev() {
        let created = fs::create_dir(folder);
        // Another program may have been faster.
        if !folder.is_dir() {
            created.map_err(io_error(folder))?;
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// The lock of a writer, held until it is dropped; `None` where there are no locks.
fn lock(dir: &Path) -> Result<Option<File>, CheckpointError> {
    let path = dir.join(LOCK);
    let mut options = OpenOptions::new();
    let file =
        options.write(true).create(true).truncate(false).open(&path).map_err(io_error(&path))?;
    Ok(is_locked(|| file.lock()).then_some(file))
}

fn is_locked(lock: impl Fn() -> io::Result<()>) -> bool {
    loop {
        match lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            locked => return locked.is_ok(),
        }
    }
}

/// Removes what a crash has left.
fn clean(
    dir: &Path,
    is_locked: bool,
    sync: impl Fn(&Path) -> Result<(), CheckpointError>,
) -> Result<(), CheckpointError> {
    let (current, old) = (dir.join(CURRENT), dir.join(REPLACED));
    if old.is_dir() {
        if is_checkpoint(&current) {
            // The process that renamed them may have ended before this.
            sync(dir)?;
            fs::remove_dir_all(&old).map_err(io_error(&old))?;
        } else if !is_taken(&current) {
            fs::rename(&old, &current).map_err(io_error(&old))?;
        }
    }
    // Without a lock, another process may be writing to these.
    if is_locked {
        for entry in fs::read_dir(dir).map_err(io_error(dir))? {
            let path = entry.map_err(io_error(dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let number = name.and_then(|name| name.strip_prefix(NEW));
            if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
                fs::remove_dir_all(&path).map_err(io_error(&path))?;
            }
        }
    }
    Ok(())
}

/// Creates an empty folder with a new name.
fn create_new(dir: &Path) -> Result<PathBuf, CheckpointError> {
    let mut number = 0_u32;
    loop {
        let path = dir.join(format!("{NEW}{number}"));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            created => return created.map(|()| path.clone()).map_err(io_error(&path)),
        }
    }
}

fn put_in_place(dir: &Path, new: &Path) -> Result<(), CheckpointError> {
    for entry in fs::read_dir(new).map_err(io_error(new))? {
        sync_file(&entry.map_err(io_error(new))?.path())?;
    }
    sync_folder(new)?;
    let (current, old) = (dir.join(CURRENT), dir.join(REPLACED));
    if current.is_dir() {
        fs::rename(&current, &old).map_err(io_error(&current))?;
    }
    fs::rename(new, &current).map_err(io_error(&current))?;
    sync_folder(dir)?;
    // The next call removes what cannot be removed now.
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

/// Waits until a file is on disk.
fn sync_file(path: &Path) -> Result<(), CheckpointError> {
    // Windows requires a handle with write access.
    let file = OpenOptions::new().read(true).write(cfg!(windows)).open(path);
    file.and_then(|file| file.sync_all()).map_err(io_error(path))
}

/// Waits until the entries of a folder are on disk, where the system lets a program wait.
fn sync_folder(path: &Path) -> Result<(), CheckpointError> {
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(error) if syncs_no_folders(&error) => Ok(()),
        synced => synced.map_err(io_error(path)),
    }
}

/// Whether folders cannot be flushed to disk here: some file systems do not support it, and Windows
/// does not open them as files.
fn syncs_no_folders(error: &io::Error) -> bool {
    use ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), CheckpointError>;

    fn save(dir: &Path, text: &str) -> Outcome {
        replace(dir, |new| fs::write(new.join(MANIFEST), text).map_err(io_error(new)))
    }

    fn load(dir: &Path) -> Result<String, CheckpointError> {
        read(dir, |folder| fs::read_to_string(folder.join(MANIFEST)).map_err(io_error(folder)))
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_one_takes_the_place_of_the_old_one() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("some/where");
        assert!(matches!(load(&dir), Err(CheckpointError::Missing(_))));
        save(&dir, "first").unwrap();
        fs::write(dir.join("a file of the user's"), "").unwrap();
        save(&dir, "second").unwrap();
        assert_eq!(load(&dir).unwrap(), "second");
        assert_eq!(names(&dir), ["a file of the user's", CURRENT, LOCK]);
    }

    #[test]
    fn every_folder_that_is_created_is_brought_to_disk_before_the_next_one() {
        let root = tempfile::tempdir().unwrap();
        let synced = std::cell::RefCell::new(Vec::new());
        let sync = |path: &Path| {
            synced.borrow_mut().push((path.to_owned(), names(path)));
            Ok(())
        };
        let dir = root.path().join("runs/today/first");
        create(&dir, sync).unwrap();
        create(&dir, sync).unwrap();
        let expected = [("", "runs"), ("runs", "today"), ("runs/today", "first")];
        let expected = expected.map(|(at, name)| (root.path().join(at), vec![name.to_owned()]));
        assert_eq!(synced.into_inner(), expected);
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(create(&file.join("run"), sync_folder), Err(CheckpointError::Io { .. })));
    }

    #[test]
    fn an_old_one_is_not_removed_before_the_new_one_has_its_name_on_disk() {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in [(CURRENT, "new"), (REPLACED, "old")] {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join(MANIFEST), text).unwrap();
        }
        let failed = clean(root.path(), true, |path| {
            assert_eq!(path, root.path());
            Err(io_error(path)(ErrorKind::StorageFull.into()))
        });
        assert!(failed.is_err());
        assert_eq!(names(root.path()), [CURRENT, REPLACED]);
        clean(root.path(), true, sync_folder).unwrap();
        assert_eq!(names(root.path()), [CURRENT]);
    }

    #[test]
    fn a_system_that_brings_no_folders_to_disk_is_no_error_and_a_full_disk_is() {
        for kind in [ErrorKind::PermissionDenied, ErrorKind::InvalidInput, ErrorKind::Unsupported] {
            assert!(syncs_no_folders(&kind.into()), "{kind}");
        }
        for kind in [ErrorKind::StorageFull, ErrorKind::NotFound, ErrorKind::Other] {
            assert!(!syncs_no_folders(&kind.into()), "{kind}");
        }
        assert!(matches!(sync_folder(Path::new("no/folder")), Err(CheckpointError::Io { .. })));
    }

    #[test]
    fn one_that_cannot_be_written_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        save(root.path(), "first").unwrap();
        let failed: Outcome = replace(root.path(), |new| {
            fs::write(new.join(MANIFEST), "sec").unwrap();
            Err(CheckpointError::Missing(new.to_owned()))
        });
        assert!(failed.is_err());
        assert_eq!(load(root.path()).unwrap(), "first");
        assert_eq!(names(root.path()), [CURRENT, LOCK]);
    }

    #[test]
    fn a_foreign_folder_beside_the_only_whole_one_costs_nothing() {
        let root = tempfile::tempdir().unwrap();
        save(root.path(), "old").unwrap();
        fs::rename(root.path().join(CURRENT), root.path().join(REPLACED)).unwrap();
        fs::create_dir(root.path().join(CURRENT)).unwrap();
        assert!(matches!(save(root.path(), "new"), Err(CheckpointError::Foreign(_))));
        assert_eq!(load(root.path()).unwrap(), "old");
        fs::remove_dir(root.path().join(CURRENT)).unwrap();
        save(root.path(), "new").unwrap();
        assert_eq!(load(root.path()).unwrap(), "new");
    }

    /// Every state of the table above, one after another.
    #[test]
    fn each_state_that_a_crash_leaves_loads_and_is_cleaned() {
        let states: [(&[(&str, &str)], &str); 5] = [
            (&[(CURRENT, "old"), ("checkpoint.new-0", "ne")], "old"),
            (&[(REPLACED, "old"), ("checkpoint.new-0", "new")], "old"),
            (&[(CURRENT, "new"), (REPLACED, "old")], "new"),
            (&[(CURRENT, "new"), (REPLACED, "")], "new"),
            (&[(CURRENT, "old"), ("checkpoint.new-7", ""), ("checkpoint.new-x", "")], "old"),
        ];
        for (folders, expected) in states {
            let root = tempfile::tempdir().unwrap();
            for (name, text) in folders {
                fs::create_dir(root.path().join(name)).unwrap();
                fs::write(root.path().join(name).join(MANIFEST), text).unwrap();
            }
            assert_eq!(load(root.path()).unwrap(), expected);
            save(root.path(), "newest").unwrap();
            assert_eq!(load(root.path()).unwrap(), "newest");
            let left = names(root.path());
            let others: Vec<&String> = left.iter().filter(|name| name.contains(".new")).collect();
            assert!(others.is_empty() || others == ["checkpoint.new-x"], "{left:?}");
            assert!(!left.iter().any(|name| name == REPLACED));
        }
    }

    #[test]
    fn what_is_no_checkpoint_stays() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join(CURRENT);
        fs::create_dir(&own).unwrap();
        fs::write(own.join("a file of the user's"), "").unwrap();
        assert!(matches!(save(root.path(), "first"), Err(CheckpointError::Foreign(_))));
        assert_eq!(names(&own), ["a file of the user's"]);
        fs::remove_dir_all(&own).unwrap();
        fs::write(&own, "a file").unwrap();
        assert!(matches!(save(root.path(), "first"), Err(CheckpointError::Foreign(_))));
        assert_eq!(names(root.path()), [CURRENT, LOCK]);
    }

    #[test]
    fn a_file_in_place_of_the_replaced_one_is_named_and_stays() {
        let root = tempfile::tempdir().unwrap();
        save(root.path(), "first").unwrap();
        let file = root.path().join(REPLACED);
        fs::write(&file, "a file of the user's").unwrap();
        let outcome = save(root.path(), "second");
        assert!(matches!(&outcome, Err(CheckpointError::Foreign(path)) if *path == file));
        assert_eq!(load(root.path()).unwrap(), "first");
        assert_eq!(names(root.path()), [CURRENT, LOCK, REPLACED]);
    }

    #[test]
    fn two_at_once_wait_for_each_other() {
        let root = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let dir = root.path();
                scope.spawn(move || {
                    for turn in 0..10 {
                        save(dir, &format!("{number} {turn}")).unwrap();
                        assert_eq!(load(dir).unwrap().len(), 3);
                    }
                });
            }
        });
        assert_eq!(load(root.path()).unwrap().split(' ').nth(1), Some("9"));
        assert_eq!(names(root.path()), [CURRENT, LOCK]);
    }

    #[test]
    fn a_copy_that_nobody_can_write_to_loads() {
        let root = tempfile::tempdir().unwrap();
        save(root.path(), "first").unwrap();
        fs::remove_file(root.path().join(LOCK)).unwrap();
        assert_eq!(load(root.path()).unwrap(), "first");
        assert_eq!(names(root.path()), [CURRENT]);
    }
}
