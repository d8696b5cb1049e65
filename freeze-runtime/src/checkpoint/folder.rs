//! Where a checkpoint lies, and how a new one takes the place of the old one.
//!
//! A checkpoint is a folder `checkpoint` in the folder that the program names. A new one is written
//! into a folder of its own beside it and brought to disk; then the old one is renamed, the new one
//! takes its name, and the old one is removed:
//!
//! ```text
//!                      checkpoint   checkpoint.replaced   checkpoint.new-0
//! while it is written  old          -                     some of the new one
//! first rename         -            old                   new
//! second rename        new          old                   -
//! removal              new          some of it            -
//! ```
//!
//! In each of these states there is a whole one, which [`read`] finds: `checkpoint`, or else
//! `checkpoint.replaced`. A crash leaves one of these states behind, and the next [`replace`] cleans up.
//! Each rename is atomic, and they reach the disk in order, as all of a folder's entries do.
//!
//! Whoever writes holds a lock of the system on `checkpoint.lock`, which ends with its process, and
//! whoever reads shares it. Where a file system has no locks, nothing is damaged either: folders of
//! new checkpoints have names of their own, and one of two that rename at once gets an error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::error::of;

/// What every checkpoint has in it.
pub(super) const MANIFEST: &str = "checkpoint.json";
const CURRENT: &str = "checkpoint";
const REPLACED: &str = "checkpoint.replaced";
const NEW: &str = "checkpoint.new-";
const LOCK: &str = "checkpoint.lock";

/// Lets `write` fill a folder, which then takes the place of the checkpoint in `dir`.
pub(super) fn replace<E: From<CheckpointError>>(
    dir: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    create(dir)?;
    let lock = lock(dir)?;
    clean(dir, lock.is_some())?;
    let current = dir.join(CURRENT);
    if fs::symlink_metadata(&current).is_ok() && !is_checkpoint(&current) {
        return Err(CheckpointError::Foreign(current).into());
    }
    let new = create_new(dir)?;
    let written = write(&new).and_then(|()| Ok(put_in_place(dir, &new)?));
    if written.is_err() {
        // What cannot be removed now is by the next one.
        let _ = fs::remove_dir_all(&new);
    }
    written
}

/// Lets `read` read the folder of the checkpoint in `dir`.
pub(super) fn read<T, E: From<CheckpointError>>(
    dir: &Path,
    read: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    // Without the file, as in a copy that cannot be written to, nobody writes.
    let lock = File::open(dir.join(LOCK)).ok();
    let _lock = lock.filter(|file| is_locked(|| file.lock_shared()));
    let places = [CURRENT, REPLACED].map(|name| dir.join(name));
    let whole = places.iter().find(|path| is_checkpoint(path));
    match whole.or_else(|| places.iter().find(|path| path.is_dir())) {
        Some(path) => read(path),
        None => Err(CheckpointError::Missing(dir.to_owned()).into()),
    }
}

/// Whether a folder is a checkpoint, and not something that another program has put there.
fn is_checkpoint(folder: &Path) -> bool {
    folder.join(MANIFEST).exists()
}

/// Creates a folder, so that it is there after a crash too.
fn create(dir: &Path) -> Result<(), CheckpointError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(of(dir))?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync(parent.unwrap_or(Path::new(".")))
}

/// The lock of whoever writes, until it is dropped; none where there are no locks.
fn lock(dir: &Path) -> Result<Option<File>, CheckpointError> {
    let path = dir.join(LOCK);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(&path).map_err(of(&path))?;
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

/// Removes what a crash has left behind.
fn clean(dir: &Path, is_locked: bool) -> Result<(), CheckpointError> {
    let (current, old) = (dir.join(CURRENT), dir.join(REPLACED));
    if old.is_dir() {
        if is_checkpoint(&current) {
            fs::remove_dir_all(&old).map_err(of(&old))?;
        } else if fs::symlink_metadata(&current).is_err() {
            fs::rename(&old, &current).map_err(of(&old))?;
        }
    }
    // Without a lock, another one may be at work in these.
    if is_locked {
        for entry in fs::read_dir(dir).map_err(of(dir))? {
            let path = entry.map_err(of(dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let number = name.and_then(|name| name.strip_prefix(NEW));
            if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
                fs::remove_dir_all(&path).map_err(of(&path))?;
            }
        }
    }
    Ok(())
}

/// An empty folder with a name of its own.
fn create_new(dir: &Path) -> Result<PathBuf, CheckpointError> {
    let mut number = 0_u32;
    loop {
        let path = dir.join(format!("{NEW}{number}"));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            created => return created.map(|()| path.clone()).map_err(of(&path)),
        }
    }
}

fn put_in_place(dir: &Path, new: &Path) -> Result<(), CheckpointError> {
    for entry in fs::read_dir(new).map_err(of(new))? {
        sync(&entry.map_err(of(new))?.path())?;
    }
    sync(new)?;
    let (current, old) = (dir.join(CURRENT), dir.join(REPLACED));
    if current.is_dir() {
        fs::rename(&current, &old).map_err(of(&current))?;
    }
    fs::rename(new, &current).map_err(of(&current))?;
    sync(dir)?;
    // What cannot be removed now is by the next one.
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

/// Waits until a file or the entries of a folder are on disk.
fn sync(path: &Path) -> Result<(), CheckpointError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        // Some file systems cannot do this with folders, or need not.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced.map_err(of(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), CheckpointError>;

    fn save(dir: &Path, text: &str) -> Outcome {
        replace(dir, |new| fs::write(new.join(MANIFEST), text).map_err(of(new)))
    }

    fn load(dir: &Path) -> Result<String, CheckpointError> {
        read(dir, |folder| fs::read_to_string(folder.join(MANIFEST)).map_err(of(folder)))
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
