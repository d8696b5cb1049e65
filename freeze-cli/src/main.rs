//! The command `freeze`: works with policies, without libtorch.

mod ast;
mod check;
mod describe;
mod explain;
mod fmt;
mod import;
mod input;
mod model;
mod output;
mod plan;
mod reporter;
mod schema;
mod simulate;
mod simulate_table;
mod training;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks, formats and simulates freeze policies: which parts of a network train, when, and how
#[derive(Parser)]
#[command(name = "freeze", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  freeze check resnet.freeze --model resnet18.safetensors\n\n\
                        Exit status: 0 no problem was found, 1 problems were found, 2 the command \
                        failed (bad usage, unreadable file).")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: reporter::Options,
}

#[derive(Subcommand)]
enum Command {
    /// Check policies and print all findings
    Check(check::CheckArgs),
    /// Explain a finding, with a wrong and a right example
    Explain(explain::ExplainArgs),
    /// Format policies in their canonical form
    Fmt(fmt::FmtArgs),
    /// Show what each rule of a policy does, as a table and as a picture
    Plan(plan::PlanArgs),
    /// Simulate a training without tensors and print which parameters train, one line per epoch
    Simulate(simulate::SimulateArgs),
    /// Describe a checkpoint as a model that policies are checked against
    Describe(describe::DescribeArgs),
    /// Show a model, or how two models differ
    Model(model::ModelArgs),
    /// Import a schedule or the freezing options of another tool as a policy
    Import(import::ImportArgs),
    /// Print the syntax tree of a policy as JSON
    Ast(ast::AstArgs),
    /// Print the JSON Schema of the JSON that freeze prints and writes
    Schema(schema::SchemaArgs),
}

/// The result that the exit status reports, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// No problem was found.
    Clean,
    /// Problems were found.
    Problems,
    /// The command failed.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Clean => 0,
            Outcome::Problems => 1,
            Outcome::Failed => 2,
        })
    }
}

fn main() -> ExitCode {
    let Cli { command, options } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return answer(&error).into(),
    };
    match command {
        Command::Check(arguments) => check::run(&arguments, &options).into(),
        Command::Explain(arguments) => explain::run(&arguments, &options).into(),
        Command::Fmt(arguments) => fmt::run(&arguments, &options).into(),
        Command::Plan(arguments) => plan::run(&arguments, &options).into(),
        Command::Simulate(arguments) => simulate::run(&arguments, &options).into(),
        Command::Describe(arguments) => describe::run(&arguments, &options).into(),
        Command::Model(arguments) => model::run(&arguments, &options).into(),
        Command::Import(arguments) => import::run(&arguments, &options).into(),
        Command::Ast(arguments) => ast::run(&arguments, &options).into(),
        Command::Schema(arguments) => schema::run(&arguments, &options).into(),
    }
}

/// Prints help, the version, or how the command is used.
fn answer(error: &clap::Error) -> Outcome {
    if error.use_stderr() {
        error.exit();
    }
    match output::write(|_| error.print()) {
        Ok(()) => Outcome::Clean,
        Err(message) => {
            output::print_error(&format!("error: {message}"));
            Outcome::Failed
        }
    }
}
