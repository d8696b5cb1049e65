//! `freeze man`: manual pages.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_mangen::Man;

use crate::reporter::{Options, Reporter, Stream};
use crate::{Cli, Outcome};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  freeze man | man -l -\n  freeze man check | man -l -\n  \
                        freeze man --out ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The subcommand; without it, the page of `freeze`
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Option<String>,
    /// Write the pages of all subcommands to this folder, `freeze.1`, `freeze-check.1` and so on
    #[arg(short, long, value_name = "DIR", conflicts_with = "subcommand")]
    out: Option<PathBuf>,
}

/// Prints a page on standard output, or writes all pages.
pub(crate) fn run(arguments: &ManArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    if let Some(folder) = &arguments.out {
        if let Err(error) = write_all(folder) {
            reporter.fail(&format!("cannot write pages to `{}`: {error}", folder.display()));
        }
        return reporter.conclude();
    }
    match page(arguments.subcommand.as_deref()) {
        Ok(page) => reporter.print_with(|out| Man::new(page).render(out)),
        Err(message) => reporter.fail(&message),
    }
    reporter.conclude()
}

/// The command that a page is about.
fn page(subcommand: Option<&str>) -> Result<clap::Command, String> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(name) = subcommand else { return Ok(command) };
    let page = command.find_subcommand(name).cloned();
    page.ok_or_else(|| format!("there is no subcommand `{}`", name.escape_debug()))
}

fn write_all(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
