//! `freeze man`: manual pages.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use freeze_dsl::diagnostic::visible;

use crate::reporter::{Options, Reporter, Stream};
use crate::{Cli, Outcome};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  freeze man | man -l -\n  freeze man model show | man -l -\n  \
                        freeze man --out ~/.local/share/man/man1"
)]
pub(crate) struct ManArgs {
    /// The subcommand, as `check` or `model show`; without it, the page of `freeze`
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Vec<String>,
    /// Write the pages of all subcommands to this folder, `freeze.1`, `freeze-check.1` and so on
    #[arg(short, long, value_name = "DIR", conflicts_with = "subcommand")]
    out: Option<PathBuf>,
}

/// Prints a page on standard output, or writes all pages.
pub(crate) fn run(arguments: &ManArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let command = command();
    if let Some(folder) = &arguments.out {
        if let Err(error) = fs::create_dir_all(folder).and_then(|()| write_all(&command, folder)) {
            reporter.fail(&format!("cannot write pages to `{}`: {error}", folder.display()));
        }
        return reporter.conclude();
    }
    let names = arguments.subcommand.iter().flat_map(|words| words.split([' ', '-']));
    let mut page = Some(&command);
    for name in names {
        page = page.and_then(|page| page.find_subcommand(name));
    }
    if let Some(page) = page {
        reporter.print_with(|out| render(page, out));
    } else {
        let words = arguments.subcommand.join(" ");
        reporter.fail(&format!("there is no subcommand `{}`", visible(&words)));
    }
    reporter.conclude()
}

fn command() -> clap::Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// Writes the page of a command and those of its subcommands.
fn write_all(command: &clap::Command, folder: &Path) -> io::Result<()> {
    let man = Man::new(command.clone());
    render(command, &mut fs::File::create(folder.join(man.get_filename()))?)?;
    command.get_subcommands().try_for_each(|subcommand| write_all(subcommand, folder))
}

/// Writes a page. What follows the help's options has sections of its own.
fn render(command: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut notes = Vec::new();
    for paragraph in after.split("\n\n") {
        let mut roff = Roff::default();
        if let Some(status) = paragraph.strip_prefix("Exit status: ") {
            roff.control("SH", ["EXIT STATUS"]).text([roman(status)]);
        } else if let Some((_, examples)) =
            paragraph.split_once(":\n").filter(|(head, _)| head.starts_with("Example"))
        {
            roff.control("SH", ["EXAMPLES"]).control("nf", []);
            for line in examples.lines() {
                roff.text([roman(line.trim_start())]);
            }
            roff.control("fi", []);
        } else if !paragraph.is_empty() {
            notes.push(paragraph);
        }
        roff.to_writer(out)?;
    }
    if !notes.is_empty() {
        let mut roff = Roff::default();
        roff.control("SH", ["NOTES"]);
        for note in notes {
            roff.control("PP", []).text([roman(note)]);
        }
        roff.to_writer(out)?;
    }
    Ok(())
}
