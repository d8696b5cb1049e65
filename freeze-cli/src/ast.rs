//! `freeze ast`: the syntax tree of a policy.

use std::path::PathBuf;

use freeze_dsl::diagnostic::Findings;
use freeze_dsl::parse::parse;

use crate::reporter::{Options, Reporter, Stream};
use crate::{Outcome, input};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze ast resnet.freeze | jq '.items[].value | keys'\n\n\
                        Statements that do not parse are missing from the tree and reported on \
                        standard error. `freeze schema ast` prints the schema of the JSON.")]
pub(crate) struct AstArgs {
    /// The policy; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints the tree on standard output.
pub(crate) fn run(arguments: &AstArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    if let Some(source) = input::policy(&arguments.file, &mut reporter) {
        let (tree, found) = parse(source.text());
        reporter.report_all(&Findings::new(source, found));
        reporter.print_with(|out| {
            serde_json::to_writer_pretty(&mut *out, &tree)?;
            out.write_all(b"\n")
        });
    }
    reporter.conclude()
}
