//! `freeze.toml`: the levels of findings, and which model goes with which files. Of a file, the
//! nearest one in its folder and the folders above counts.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use freeze_dsl::text_file;
use globset::GlobMatcher;

use crate::config_file;
use crate::file_stamp::FileStamp;
use crate::levels::Levels;

/// The name of the file.
pub(crate) const NAME: &str = "freeze.toml";

/// One `freeze.toml`.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// The levels that it sets.
    pub(crate) levels: Levels,
    /// Globs of files and the model of each, both relative to its folder.
    pub(super) models: Vec<(GlobMatcher, PathBuf)>,
}

impl Config {
    /// The model that it names for a file.
    fn model(&self, file: &Path) -> Option<PathBuf> {
        let folder = self.path.parent()?;
        let file = file.strip_prefix(folder).ok()?;
        let (_, model) = self.models.iter().find(|(glob, _)| glob.is_match(file))?;
        Some(folder.join(model))
    }
}

/// What a `freeze.toml` says about one policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileConfig {
    /// The levels that it sets.
    pub(crate) levels: Levels,
    /// The model that it names.
    pub(crate) model: Option<PathBuf>,
}

impl FileConfig {
    /// The model of a policy: the one that it names, relative to its own file, else the one of
    /// `freeze.toml`.
    pub(crate) fn model_of(&self, file: &Path, named: Option<&str>) -> Option<PathBuf> {
        let beside = |named| file.parent().unwrap_or(Path::new("")).join(named);
        named.map(beside).or_else(|| self.model.clone())
    }
}

/// Finds and reads `freeze.toml` files, each once.
#[derive(Debug, Default)]
pub(crate) struct Configs {
    by_folder: HashMap<PathBuf, FolderConfig>,
}

/// What was found for a folder.
#[derive(Debug)]
struct FolderConfig {
    /// The nearest `freeze.toml`, or why it cannot be used.
    nearest: Result<Option<Rc<Config>>, String>,
    /// The one in the folder itself, which there may not be.
    own: FileStamp,
}

impl Configs {
    /// What holds for a policy; for standard input, what holds in the current folder.
    ///
    /// # Errors
    /// If its `freeze.toml` cannot be used.
    pub(crate) fn of(&mut self, file: &Path) -> Result<FileConfig, String> {
        let folder = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // If the folder does not exist, the file cannot be read either, which is reported.
        let Ok(folder) = fs::canonicalize(folder) else { return Ok(FileConfig::default()) };
        let Some(config) = self.nearest(&folder)? else { return Ok(FileConfig::default()) };
        let file = folder.join(file.file_name().unwrap_or_default());
        Ok(FileConfig { levels: config.levels.clone(), model: config.model(&file).map(shortened) })
    }

    /// The `freeze.toml` files that were read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let found = self.by_folder.values().filter_map(|it| it.nearest.as_ref().ok()?.as_ref());
        found.map(|config| config.path.as_path())
    }

    /// Forgets what was read if a file was changed, made or removed since then.
    pub(crate) fn forget_changed(&mut self) {
        if !self.by_folder.values().all(|found| found.own.is_current()) {
            self.by_folder.clear();
        }
    }

    fn nearest(&mut self, folder: &Path) -> Result<Option<Rc<Config>>, String> {
        if let Some(known) = self.by_folder.get(folder) {
            return known.nearest.clone();
        }
        let path = folder.join(NAME);
        let own = FileStamp::of(&path);
        let nearest = match (read(&path), folder.parent()) {
            (Ok(None), Some(parent)) => self.nearest(parent),
            (found, _) => found,
        };
        self.by_folder.insert(folder.to_owned(), FolderConfig { nearest: nearest.clone(), own });
        nearest
    }
}

/// Reads a `freeze.toml`, if there is one.
fn read(path: &Path) -> Result<Option<Rc<Config>>, String> {
    let shown = shortened(path.to_owned());
    let text = match text_file::read(path) {
        Ok(text) => text,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
                && !path.is_symlink() =>
        {
            return Ok(None);
        }
        Err(error) => return Err(format!("cannot read `{}`: {error}", shown.display())),
    };
    match config_file::parse(path, &text) {
        Ok(config) => Ok(Some(Rc::new(config))),
        Err(error) => Err(format!("cannot use `{}`: {error}", shown.display())),
    }
}

/// The path as seen from the current folder, if it lies there.
fn shortened(path: PathBuf) -> PathBuf {
    let current = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    path.strip_prefix(current).map(Path::to_owned).unwrap_or(path)
}
