//! The command `freeze`: checks policies without libtorch.

mod ast;
mod check;
mod explain;
mod fmt;
mod input;
mod message;
mod output;
mod schema;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Says which parts of a neural network train, when, and how.
#[derive(Parser)]
#[command(name = "freeze", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  freeze check resnet.freeze --model resnet18.safetensors\n\n\
                        Exit status: 0 nothing is wrong, 1 something is, 2 the command could not \
                        do its work.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: message::Options,
}

#[derive(Subcommand)]
enum Command {
    /// Check policies and print everything that is wrong
    Check(check::Arguments),
    /// Say what a finding means, with a wrong and a right example
    Explain(explain::Arguments),
    /// Put policies in their one canonical form
    Fmt(fmt::Arguments),
    /// Run through a whole training without tensors and print what trains, a line an epoch
    Simulate(simulate::Arguments),
    /// Print the tree of a policy as JSON
    Ast(ast::Arguments),
    /// Print the JSON Schemas of everything that is printed or written as JSON
    Schema(schema::Arguments),
}

/// What the command's exit status says, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Nothing is wrong.
    Clean,
    /// Something was found.
    Found,
    /// The command could not do its work.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Clean => 0,
            Outcome::Found => 1,
            Outcome::Failed => 2,
        })
    }
}

fn main() -> ExitCode {
    let Arguments { command, options } = Arguments::parse();
    match command {
        Command::Check(arguments) => check::run(&arguments, &options).into(),
        Command::Explain(arguments) => explain::run(&arguments).into(),
        Command::Fmt(arguments) => fmt::run(&arguments, &options).into(),
        Command::Simulate(arguments) => simulate::run(&arguments, &options).into(),
        Command::Ast(arguments) => ast::run(&arguments, &options).into(),
        Command::Schema(arguments) => schema::run(&arguments).into(),
    }
}
