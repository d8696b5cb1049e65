//! The command `freeze`: works with policies, without libtorch.

mod ast;
mod check;
mod checker;
mod codes;
mod completions;
mod config;
mod config_file;
mod describe;
mod explain;
mod file_stamp;
mod fix;
mod fmt;
mod import;
mod input;
mod levels;
mod lsp;
mod man;
mod model;
mod output;
mod plan;
mod replace;
mod reporter;
mod schema;
mod simulate;
mod simulate_table;
mod training;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

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
    /// Apply the edits that findings offer
    Fix(fix::FixArgs),
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
    /// Explain a finding, with a wrong and a right example
    Explain(explain::ExplainArgs),
    /// Print the syntax tree of a policy as JSON
    Ast(ast::AstArgs),
    /// Serve an editor: the language server on standard input and output
    Lsp(lsp::LspArgs),
    /// Print the JSON Schema of the JSON that freeze prints and writes
    Schema(schema::SchemaArgs),
    /// Print a script that completes the command line in a shell
    Completions(completions::CompletionsArgs),
    /// Print a manual page
    Man(man::ManArgs),
}

impl Command {
    fn run(&self, options: &reporter::Options) -> Outcome {
        match self {
            Self::Check(arguments) => check::run(arguments, options),
            Self::Fix(arguments) => fix::run(arguments, options),
            Self::Fmt(arguments) => fmt::run(arguments, options),
            Self::Plan(arguments) => plan::run(arguments, options),
            Self::Simulate(arguments) => simulate::run(arguments, options),
            Self::Describe(arguments) => describe::run(arguments, options),
            Self::Model(arguments) => model::run(arguments, options),
            Self::Import(arguments) => import::run(arguments, options),
            Self::Explain(arguments) => explain::run(arguments, options),
            Self::Ast(arguments) => ast::run(arguments, options),
            Self::Lsp(arguments) => lsp::run(arguments),
            Self::Schema(arguments) => schema::run(arguments, options),
            Self::Completions(arguments) => completions::run(arguments, options),
            Self::Man(arguments) => man::run(arguments, options),
        }
    }

    /// The policies that it watches, if it runs again at each change.
    fn watched(&self) -> Option<&[PathBuf]> {
        let (watch, files) = match self {
            Self::Check(arguments) => (&arguments.watch, arguments.files.as_slice()),
            Self::Plan(arguments) => (&arguments.watch, std::slice::from_ref(&arguments.file)),
            Self::Simulate(arguments) => (&arguments.watch, std::slice::from_ref(&arguments.file)),
            _ => return None,
        };
        watch.is_set().then_some(files)
    }
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
    let parser = Cli::command().color(reporter::color_of_help(std::env::args_os()));
    let parsed = parser.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let Cli { command, options } = match parsed {
        Ok(cli) => cli,
        Err(error) => return answer(&error).into(),
    };
    let outcome = match command.watched() {
        Some(files) => watch::repeat(files, &options, || command.run(&options)),
        None => command.run(&options),
    };
    outcome.into()
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
