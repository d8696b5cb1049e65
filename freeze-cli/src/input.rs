//! What the command reads: policies, and what they are checked with.

use std::io::Read;
use std::path::{Path, PathBuf};

use freeze_dsl::model::Model;
use freeze_dsl::source::Source;
use freeze_dsl::{Checked, Draft, text_file};

use crate::reporter::Reporter;

/// What a policy is checked with.
#[derive(clap::Args)]
pub(crate) struct CheckInputs {
    /// The model to check against: a `.safetensors`, `.safetensors.index.json` or `.model.json`
    /// file, or a folder with such; replaces the policy's own `model`
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Set a number that a policy defines with `let`; may be repeated
    #[arg(long = "set", value_name = "NAME=NUMBER", value_parser = number)]
    numbers: Vec<(String, f64)>,
}

/// `base=1e-3`
fn number(written: &str) -> Result<(String, f64), String> {
    let (name, value) = written.split_once('=').ok_or("expected a name, `=` and a number")?;
    match value.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.trim().to_owned(), number)),
        _ => Err(format!("`{}` is not a finite number", value.trim())),
    }
}

impl CheckInputs {
    /// The model of `--model`, if there is one. Reports a file that cannot be read.
    pub(crate) fn model(&self, reporter: &mut Reporter<'_>) -> Option<Model> {
        load(self.model.as_deref()?, reporter)
    }

    /// Checks a policy against `model`, or else the one that it names, which is returned as well.
    /// Reports files that cannot be read, and checks the rest.
    pub(crate) fn check(
        &self,
        file: &Path,
        model: Option<&Model>,
        reporter: &mut Reporter<'_>,
    ) -> Option<(Checked, Option<Model>)> {
        let source = policy(file, reporter)?;
        let name = source.name().to_owned();
        let mut draft = Draft::read(source);
        for (number, value) in &self.numbers {
            match draft.clone().with(number, *value) {
                Ok(with) => draft = with,
                Err(error) => reporter.fail(&format!("{name}: {error}")),
            }
        }
        let named = match (&self.model, draft.model()) {
            (None, Some(named)) => load(&beside(file, named), reporter),
            _ => None,
        };
        let checked = match model.or(named.as_ref()) {
            Some(model) => draft.check_against(model),
            None => draft.check(),
        };
        Some((checked, named))
    }
}

/// The files that are named, with the `.freeze` files in each folder that is named, those of its
/// subfolders included, sorted. Reports a folder that has none or cannot be read.
pub(crate) fn policy_files(named: &[PathBuf], reporter: &mut Reporter<'_>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        match add_policies(path, &mut files) {
            Err(error) => reporter.fail(&format!("cannot read `{}`: {error}", path.display())),
            Ok(()) if files.len() == before => {
                reporter.fail(&format!("there is no `.freeze` file in `{}`", path.display()));
            }
            Ok(()) => {}
        }
    }
    files
}

/// Adds the policies in a folder. Hidden folders and links to folders are not searched.
fn add_policies(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if entry.file_type()?.is_dir() && !is_hidden {
            add_policies(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "freeze") && path.is_file()
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The text of a policy; `-` reads standard input. Reports a file that cannot be read.
pub(crate) fn policy(file: &Path, reporter: &mut Reporter<'_>) -> Option<Source> {
    match read(file) {
        Ok(source) => Some(source),
        Err(error) => {
            reporter.fail(&format!("cannot read `{}`: {error}", file.display()));
            None
        }
    }
}

fn read(file: &Path) -> std::io::Result<Source> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(Source::named("<stdin>", text_file::decode(bytes)?));
    }
    Ok(Source::named(file.display().to_string(), text_file::read(file)?))
}

/// Reports a model that cannot be read.
pub(crate) fn load(path: &Path, reporter: &mut Reporter<'_>) -> Option<Model> {
    match Model::load(path) {
        Ok(model) => Some(model),
        Err(error) => {
            reporter.fail(&format!("cannot read the model: {error}"));
            None
        }
    }
}

/// A path that a policy names is relative to the policy's own file.
fn beside(file: &Path, named: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(named)
}
