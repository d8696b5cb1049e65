//! `freeze model`: what models are, and how they differ.

mod diff;
pub(crate) mod equal_tensors;
mod show;
mod tree;

pub(crate) use diff::ModelDiff;
pub(crate) use tree::ModelTree;

use crate::Outcome;
use crate::reporter::Options;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  freeze model show bert --depth 3\n  \
                        freeze model diff old.safetensors new.model.json")]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(clap::Subcommand)]
enum ModelCommand {
    /// Show a model as a tree, with the counts of its parameters
    Show(show::ShowArgs),
    /// Show which tensors of two models differ
    Diff(diff::DiffArgs),
}

/// How to print a model.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    /// For a person
    Human,
    /// One JSON object
    Json,
}

pub(crate) fn run(arguments: &ModelArgs, options: &Options) -> Outcome {
    match &arguments.command {
        ModelCommand::Show(arguments) => show::run(arguments, options),
        ModelCommand::Diff(arguments) => diff::run(arguments, options),
    }
}
