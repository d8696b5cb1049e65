//! The project's own commands, called as `cargo xtask …`: they set up the checkout, and run its
//! demo, checks and tests.
//!
//! This package depends on one small crate and never on libtorch, so that it builds in seconds on a
//! machine without libtorch.

mod book;
mod browser;
mod carry;
mod checks;
mod cli;
mod codegen;
mod dependencies;
mod editors;
mod environment;
mod error;
mod fetch;
#[cfg(test)]
mod fetch_tests;
mod libtorch;
mod packages;
mod program;
mod release;
mod setup;
mod skipped;
mod structure;
mod torchrun;
mod tutorial;

use std::env;
use std::process::ExitCode;

use cli::Command;
use error::Error;

fn main() -> ExitCode {
    match Command::parse(env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Error::Line(line) = error {
                eprintln!("error: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Help => {
            print!("{}", cli::USAGE);
            Ok(())
        }
        Command::Setup { variant, dry_run: true } => setup::list(variant),
        Command::Setup { variant, dry_run: false } => setup::ensure(variant),
        Command::Structure => structure::check(),
        Command::Codegen { only_checks } => codegen::run(only_checks),
        Command::Vscode => editors::vscode(),
        Command::Neovim => editors::neovim(),
        Command::Book => book::render(),
        Command::Package { allow_dirty } => release::package(allow_dirty),
        Command::Wheel => release::wheel(),
        Command::Archive => release::archive(),
        Command::Tutorial => {
            setup::ensure(None)?;
            tutorial::check()
        }
        Command::Torchrun => {
            setup::ensure(None)?;
            torchrun::check()
        }
        Command::Browser => browser::check(),
        Command::Acceptance { dir } => {
            // Cargo runs this program wherever it was called; other programs run in the checkout.
            let dir = env::current_dir().map_or(dir.clone(), |current| current.join(&dir));
            carry::acceptance(&dir)
        }
        Command::Demo { args } => {
            setup::ensure(None)?;
            let demo = ["run", "--package", "freeze-examples", "--example", "digits", "--"];
            program::cargo(&demo).args(args).run()
        }
        Command::Test { args } => {
            setup::ensure(None)?;
            checks::all(&args)
        }
    }
}
