//! `freeze lsp`: the language server on standard input and output.
//!
//! It speaks the Language Server Protocol, version 3.17 (<https://microsoft.github.io/language-server-protocol/>).
//! What it says of a policy comes from [`freeze_dsl::ide`]; here lies the protocol alone.

mod actions;
mod capabilities;
mod checks;
mod diagnostics;
mod documents;
mod language;
mod models;
mod open_documents;
mod outgoing;
mod paths;
mod positions;
mod protocol;
mod requests;
mod server;
mod transport;

use crate::Outcome;
use server::Server;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze lsp --stdio\n\n\
                        An editor starts it and speaks the Language Server Protocol with it.")]
pub(crate) struct LspArgs {
    /// Use standard input and output, as it does without this; some editors ask for it
    #[arg(long)]
    stdio: bool,
}

/// Serves until the editor says that it exits.
pub(crate) fn run(LspArgs { stdio: _ }: &LspArgs) -> Outcome {
    let (sender, incoming) = transport::channel();
    transport::read_from(std::io::stdin(), sender.clone());
    Server::new(std::io::stdout(), sender).serve(&incoming)
}
