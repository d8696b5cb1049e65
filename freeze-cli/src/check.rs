//! `freeze check`: all findings of some policies.

use std::path::PathBuf;

use crate::Outcome;
use crate::input::Given;
use crate::message::{Messages, Options, To};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  freeze check resnet.freeze --model resnet18.safetensors\n  \
                        freeze check resnet.freeze --set base=1e-3 --deny warnings\n  \
                        freeze check policies/*.freeze --message-format sarif > freeze.sarif\n\n\
                        Findings for a person are printed on standard error, those for a machine \
                        on standard output.")]
pub(crate) struct Arguments {
    /// The policies' files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// What else than errors makes the exit status 1
    #[arg(long, value_name = "WHAT", value_enum)]
    deny: Option<Denied>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Denied {
    Warnings,
}

/// Prints the findings, and counts them for a person.
pub(crate) fn run(arguments: &Arguments, options: &Options) -> Outcome {
    let Arguments { files, given, deny } = arguments;
    let mut messages = Messages::new(options, To::Output);
    if *deny == Some(Denied::Warnings) {
        messages.deny_warnings();
    }
    let model = given.model(&mut messages);
    // Without the model that was asked for, findings would say what may not be so.
    if !messages.have_failed() {
        for file in files {
            if let Some((checked, _)) = given.check(file, model.as_ref(), &mut messages) {
                messages.tell_all(&checked.findings);
            }
        }
    }
    messages.conclude()
}
