//! The text of a `freeze.toml`.

use std::fmt;
use std::path::{Path, PathBuf};

use freeze_dsl::diagnostic::{nearest, visible};
use freeze_dsl::source::Source;
use globset::{GlobBuilder, GlobMatcher};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::Config;
use crate::levels::{Level, LevelTarget, Levels};

/// What is wrong with the text, and where.
#[derive(Debug)]
pub(crate) struct ConfigError {
    line: usize,
    column: usize,
    message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, message } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

/// A message about a place in the text.
type At<T> = Result<T, (usize, String)>;

/// Reads the text of the file at `path`.
///
/// # Errors
/// If it is no TOML, and if it has a key, a code, a level or a glob that there is not.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        (place, error.message().replace('\n', ", "))
    });
    let config = table.and_then(|table| {
        let mut config =
            Config { path: path.to_owned(), levels: Levels::default(), models: Vec::new() };
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "levels" => config.levels = levels(value, path)?,
                "models" => config.models = models(value)?,
                _ => return Err(unknown(key, "key", &["levels", "models"])),
            }
        }
        Ok(config)
    });
    config.map_err(|(place, message)| {
        let (line, column) = Source::new(text.to_owned()).line_column(place);
        ConfigError { line, column, message }
    })
}

/// `[levels]`: a level for each code.
fn levels(value: &Spanned<DeValue<'_>>, path: &Path) -> At<Levels> {
    let setter = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut levels = Levels::default();
    for (code, value) in table(value, "`levels` is a table: `FRZ0502 = \"allow\"`")? {
        let place = |message| (code.span().start, message);
        let target: LevelTarget = code.get_ref().parse().map_err(place)?;
        let written = string(value, "a level is \"allow\", \"warn\" or \"deny\"")?;
        let level = match *written.get_ref() {
            "allow" => Level::Allow,
            "warn" => Level::Warn,
            "deny" => Level::Deny,
            _ => return Err(unknown(&written, "level", &["allow", "warn", "deny"])),
        };
        target.check(level).map_err(place)?;
        levels.set(target, level, format!("`{setter}`"));
    }
    Ok(levels)
}

/// `[models]`: a model for each glob of files.
fn models(value: &Spanned<DeValue<'_>>) -> At<Vec<(GlobMatcher, PathBuf)>> {
    let mut models = Vec::new();
    for (glob, value) in table(value, "`models` is a table: `\"*.freeze\" = \"net.model.json\"`")? {
        // As in `.gitignore`: `*` stays within a folder.
        let pattern = glob.get_ref().strip_prefix("./").unwrap_or(glob.get_ref());
        let matcher = GlobBuilder::new(pattern).literal_separator(true).build();
        let matcher = matcher.map_err(|error| (glob.span().start, error.to_string()))?;
        let model = string(value, "a model is the path of a file or folder")?;
        models.push((matcher.compile_matcher(), PathBuf::from(*model.get_ref())));
    }
    Ok(models)
}

fn table<'t, 's>(value: &'t Spanned<DeValue<'s>>, expected: &str) -> At<&'t DeTable<'s>> {
    value.get_ref().as_table().ok_or_else(|| (value.span().start, expected.to_owned()))
}

fn string<'t>(value: &'t Spanned<DeValue<'_>>, expected: &str) -> At<Spanned<&'t str>> {
    let place = value.span();
    match value.get_ref().as_str() {
        Some(text) => Ok(Spanned::new(place, text)),
        None => Err((place.start, expected.to_owned())),
    }
}

/// The message for a word that is none of `known`.
fn unknown<T: AsRef<str>>(written: &Spanned<T>, what: &str, known: &[&str]) -> (usize, String) {
    let word = written.get_ref().as_ref();
    let meant = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    };
    (written.span().start, format!("unknown {what} `{}`; {meant}", visible(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("/a/freeze.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("[levls]\n", "line 1, column 2: unknown key `levls`; did you mean `levels`?"),
            ("rules = 1", "line 1, column 1: unknown key `rules`; there are levels, models"),
            ("levels = 1", "line 1, column 10: `levels` is a table: `FRZ0502 = \"allow\"`"),
            (
                "[levels]\nFRZ502 = \"allow\"",
                "line 2, column 1: there is no finding `FRZ502`; did you mean `FRZ0502` (a \
                 parameter that no rule trains)?",
            ),
            (
                "[levels]\nFRZ0502 = \"allowed\"",
                "line 2, column 11: unknown level `allowed`; did you mean `allow`?",
            ),
            (
                "[levels]\nFRZ0502 = 0",
                "line 2, column 11: a level is \"allow\", \"warn\" or \"deny\"",
            ),
            (
                "[levels]\nFRZ0201 = \"warn\"",
                "line 2, column 1: `FRZ0201` is always an error (a selector selects no parameter); a \
                 policy that has it cannot be used",
            ),
            (
                "[models]\n\"a[.freeze\" = \"b\"",
                "line 2, column 1: error parsing glob 'a[.freeze': unclosed character class; \
                 missing ']'",
            ),
            (
                "[models]\n\"a\" = [\"b\"]",
                "line 2, column 7: a model is the path of a file or folder",
            ),
        ] {
            assert_eq!(error(text), expected, "{text}");
        }
        assert!(error("[levels\n").starts_with("line 1, column 8: "), "{}", error("[levels\n"));
    }
}
