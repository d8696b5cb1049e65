//! The policies that the command reads.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use freeze_dsl::model::Model;
use freeze_dsl::source::Source;
use freeze_dsl::text_file;
use ignore::WalkBuilder;

use crate::reporter::Reporter;

/// The files that are named, with the `.freeze` files in each folder that is named, those of its
/// subfolders included, sorted; each file once. Reports a folder that has none or cannot be read.
pub(crate) fn policy_files(named: &[PathBuf], reporter: &mut Reporter<'_>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        reporter.note_folder(path);
        let found = policies_in(path, reporter);
        if found.is_empty() {
            reporter.fail(&format!("there is no `.freeze` file in `{}`", path.display()));
        }
        files.extend(found);
    }
    let mut known = HashSet::new();
    files.retain(|file| fs::canonicalize(file).map_or(true, |path| known.insert(path)));
    files
}

/// The policies in a folder. Not searched are hidden folders, what `.gitignore` files exclude, and
/// links to folders.
fn policies_in(folder: &Path, reporter: &mut Reporter<'_>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let by_name = |a: &Path, b: &Path| a.cmp(b);
    for entry in WalkBuilder::new(folder).require_git(false).sort_by_file_path(by_name).build() {
        match entry {
            Ok(entry) => {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "freeze") && path.is_file()
                {
                    files.push(path.strip_prefix(".").unwrap_or(path).to_owned());
                }
            }
            Err(error) => reporter.fail(&format!("cannot search a folder: {error}")),
        }
    }
    files
}

/// The text of a policy; `-` reads standard input. Reports a file that cannot be read.
pub(crate) fn policy(file: &Path, reporter: &mut Reporter<'_>) -> Option<Source> {
    reporter.note_input(file);
    match read(file) {
        Ok(source) => Some(source),
        Err(error) => {
            reporter.fail(&format!("cannot read `{}`: {error}", file.display()));
            None
        }
    }
}

/// A file of text; `-` is standard input.
pub(crate) fn read(file: &Path) -> std::io::Result<Source> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(Source::named("<stdin>", text_file::decode(bytes)?));
    }
    Ok(Source::named(file.display().to_string(), text_file::read(file)?))
}

/// Notes that the files of a model are read.
pub(crate) fn note_model(path: &Path, reporter: &Reporter<'_>) {
    reporter.note_input(path);
    for file in Model::files(path).unwrap_or_default() {
        reporter.note_input(&file);
    }
}

/// Reports a model that cannot be read.
pub(crate) fn load(path: &Path, reporter: &mut Reporter<'_>) -> Option<Model> {
    note_model(path, reporter);
    match Model::load(path) {
        Ok(model) => Some(model),
        Err(error) => {
            reporter.fail(&format!("cannot read the model: {error}"));
            None
        }
    }
}
