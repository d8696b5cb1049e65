//! `freeze fmt`: policies in their canonical form.

use std::path::{Path, PathBuf};

use freeze_dsl::diagnostic::visible_name;
use freeze_dsl::diff::unified;
use freeze_dsl::format::format;

use crate::replace::replace;
use crate::reporter::{Options, Reporter, Stream};
use crate::{Outcome, input};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  freeze fmt resnet.freeze\n  freeze fmt --check policies/*.freeze\n  \
                        freeze fmt --diff resnet.freeze"
)]
pub(crate) struct FmtArgs {
    /// The policies, or folders of `.freeze` files; `-` reads standard input and prints the result
    /// on standard output
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change nothing; list the files that are not in their canonical form
    #[arg(long)]
    check: bool,
    /// Change nothing; print the changes as a unified diff
    #[arg(long)]
    diff: bool,
}

/// Formats files in place. A file that does not parse is not changed; its findings are printed
/// on standard error.
pub(crate) fn run(arguments: &FmtArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let mut differs = Outcome::Clean;
    for file in input::policy_files(&arguments.files, &mut reporter) {
        differs = differs.max(format_file(&file, arguments, &mut reporter));
    }
    reporter.conclude().max(differs)
}

/// Formats a file, or reports why it cannot. `Problems` if the file is not in its canonical form.
fn format_file(file: &Path, arguments: &FmtArgs, reporter: &mut Reporter<'_>) -> Outcome {
    let Some(source) = input::policy(file, reporter) else { return Outcome::Failed };
    let before = source.text().to_owned();
    let name = source.name().to_owned();
    let after = match format(source) {
        Ok(after) => after,
        Err(findings) => {
            reporter.report_all(&findings);
            let changed =
                if arguments.check || arguments.diff { "" } else { " and was not changed" };
            reporter.remark(&format!("`{name}` does not parse{changed}"));
            return Outcome::Problems;
        }
    };
    if arguments.check || arguments.diff {
        if before == after {
            return Outcome::Clean;
        }
        if arguments.check {
            reporter.print(&format!("{}\n", visible_name(&name)));
        }
        if arguments.diff {
            reporter.print(&unified(&visible_name(&name), &before, &after));
        }
        return Outcome::Problems;
    }
    if file.as_os_str() == "-" {
        reporter.print(&after);
    } else if before != after
        && let Err(error) = replace(file, &before, &after)
    {
        reporter.fail(&format!("cannot write `{name}`: {error}"));
    }
    Outcome::Clean
}
