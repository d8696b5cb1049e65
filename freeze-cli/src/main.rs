//! The command `freeze`: checks policies without libtorch.

mod check;

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
    }
}
