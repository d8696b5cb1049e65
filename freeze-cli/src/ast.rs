//! `freeze ast`: the tree of a policy.

use std::io::Write;
use std::path::PathBuf;

use freeze_dsl::ast::Tree;
use freeze_dsl::diagnostic::Findings;
use freeze_dsl::parse::parse;

use crate::message::{Messages, Options, To};
use crate::{Outcome, input, output};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze ast resnet.freeze | jq '.items[].value | keys'\n\n\
                        Statements that do not parse are missing from the tree, and told on \
                        standard error.\n`freeze schema ast` describes the JSON.")]
pub(crate) struct Arguments {
    /// The policy's file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints the tree on standard output.
pub(crate) fn run(arguments: &Arguments, options: &Options) -> Outcome {
    let mut messages = Messages::new(options, To::Error);
    if let Some(source) = input::policy(&arguments.file, &mut messages) {
        let (tree, found) = parse(source.text());
        messages.tell_all(&Findings::new(source, found));
        if let Err(message) = output::written(print(&tree)) {
            messages.fail(&message);
        }
    }
    messages.conclude()
}

fn print(tree: &Tree) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, tree)?;
    out.write_all(b"\n")?;
    out.flush()
}
