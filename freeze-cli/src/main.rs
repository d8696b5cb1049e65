//! The command `freeze`: checks policies without libtorch.

mod check;
mod diff;
mod explain;
mod fmt;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Says which parts of a neural network train, when, and how.
#[derive(Parser)]
#[command(name = "freeze", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// When to print with colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
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
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// What the command's exit status says.
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
    let Arguments { command, color } = Arguments::parse();
    match command {
        Command::Check(arguments) => check::run(&arguments, color).into(),
        Command::Explain(arguments) => explain::run(&arguments).into(),
        Command::Fmt(arguments) => fmt::run(&arguments, color).into(),
        Command::Simulate(arguments) => simulate::run(&arguments, color).into(),
    }
}
