//! `freeze fmt`: policies in their canonical form.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use freeze_dsl::diagnostic::{Findings, render};
use freeze_dsl::format::format;

use crate::check::{read, say, style};
use crate::diff::unified;
use crate::{Color, Outcome};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze fmt --check policies/*.freeze")]
pub(crate) struct Arguments {
    /// The policies' files; `-` is standard input, and printed on standard output
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change nothing, and list the files that are not in their canonical form
    #[arg(long)]
    check: bool,
    /// Change nothing, and print what would be different
    #[arg(long)]
    diff: bool,
}

/// Formats files in place. A file that does not parse stays as it is, and its findings are
/// printed on standard error.
pub(crate) fn run(arguments: &Arguments, color: Color) -> Outcome {
    let mut outcome = Outcome::Clean;
    for file in &arguments.files {
        match format_file(file, arguments, color) {
            Ok(Outcome::Clean) => {}
            Ok(found) => outcome = if matches!(outcome, Outcome::Failed) { outcome } else { found },
            Err(message) => {
                say(&format!("error: {message}"));
                outcome = Outcome::Failed;
            }
        }
    }
    outcome
}

/// Formats a file; the error says what could not be done.
fn format_file(file: &Path, arguments: &Arguments, color: Color) -> Result<Outcome, String> {
    let shown = file.display();
    let source = read(file).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let before = source.text().to_owned();
    let name = source.name().to_owned();
    let after = match format(source) {
        Ok(after) => after,
        Err(findings) => {
            tell(&findings, color);
            return Ok(Outcome::Found);
        }
    };
    if arguments.check || arguments.diff {
        if before == after {
            return Ok(Outcome::Clean);
        }
        if arguments.check {
            print(&format!("{name}\n"));
        }
        if arguments.diff {
            print(&unified(&name, &before, &after));
        }
        return Ok(Outcome::Found);
    }
    if file.as_os_str() == "-" {
        print(&after);
    } else if before != after {
        replace(file, &after).map_err(|error| format!("cannot write `{shown}`: {error}"))?;
    }
    Ok(Outcome::Clean)
}

fn tell(findings: &Findings, color: Color) {
    let style = style(color);
    for finding in findings.diagnostics().iter().take(Findings::SHOWN) {
        say(&format!("{}\n", render(finding, findings.source(), style)));
    }
    let count = findings.diagnostics().len();
    if count > Findings::SHOWN {
        say(&format!("… and {} more findings\n", count - Findings::SHOWN));
    }
    say(&format!("`{}` does not parse, and stays as it is", findings.source().name()));
}

/// Puts a text in a file's place, so that at every moment the file is whole: the old or the new.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    // Where the path is a link, what it leads to is replaced, not the link.
    let file = fs::canonicalize(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let aside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = write_aside(&file, &aside, text).and_then(|()| fs::rename(&aside, &file));
    if written.is_err() {
        // Where this fails as well, the error that is told is the first.
        let _left = fs::remove_file(&aside);
    }
    written
}

fn write_aside(file: &Path, aside: &Path, text: &str) -> io::Result<()> {
    // A file that may not be written is not to be replaced either.
    fs::OpenOptions::new().append(true).open(file)?;
    let mut new = fs::OpenOptions::new().write(true).create_new(true).open(aside)?;
    new.set_permissions(fs::metadata(file)?.permissions())?;
    new.write_all(text.as_bytes())?;
    new.sync_all()
}

/// Prints on standard output; a reader that went away is no reason to fail.
fn print(text: &str) {
    let _gone = io::stdout().write_all(text.as_bytes());
}
