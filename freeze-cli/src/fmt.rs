//! `freeze fmt`: policies in their canonical form.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use freeze_dsl::diff::unified;
use freeze_dsl::format::format;

use crate::message::{Messages, Options, To};
use crate::output::print;
use crate::{Outcome, input};

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
pub(crate) fn run(arguments: &Arguments, options: &Options) -> Outcome {
    let mut messages = Messages::new(options, To::Error);
    let mut differs = Outcome::Clean;
    for file in &arguments.files {
        differs = differs.max(format_file(file, arguments, &mut messages));
    }
    messages.conclude().max(differs)
}

/// Formats a file, or tells why not; says whether it differs and is left as it is.
fn format_file(file: &Path, arguments: &Arguments, messages: &mut Messages<'_>) -> Outcome {
    let Some(source) = input::policy(file, messages) else { return Outcome::Failed };
    let before = source.text().to_owned();
    let name = source.name().to_owned();
    let after = match format(source) {
        Ok(after) => after,
        Err(findings) => {
            messages.tell_all(&findings);
            messages.remark(&format!("`{name}` does not parse, and stays as it is"));
            return Outcome::Found;
        }
    };
    if arguments.check || arguments.diff {
        if before == after {
            return Outcome::Clean;
        }
        if arguments.check {
            print(&format!("{name}\n"));
        }
        if arguments.diff {
            print(&unified(&name, &before, &after));
        }
        return Outcome::Found;
    }
    if file.as_os_str() == "-" {
        print(&after);
    } else if before != after
        && let Err(error) = replace(file, &after)
    {
        messages.fail(&format!("cannot write `{name}`: {error}"));
    }
    Outcome::Clean
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
