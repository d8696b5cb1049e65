//! The command line.

use std::path::PathBuf;

use crate::error::Error;
use crate::packages::Variant;

pub(crate) const USAGE: &str = "\
The project's own commands.

Usage: cargo xtask <COMMAND>

Commands:
  demo [ARGS]    Set up, build, and run the example that fine-tunes a network on digits
  test [ARGS]    Set up and run every check and test; ARGS go to `cargo test`
  structure      Check the order of modules, type names and documentation examples, and list the
                 files of more than 400 lines
  book           Render the book in docs/ with mdBook, where that is installed
  tutorial       Set up, and build and run the crate of the book's tutorial
  torchrun       Set up, and train in processes that PyTorch's `torchrun` starts, and starts again where
                 one is killed; installs PyTorch for Python into target/torchrun, or uses the
                 `torchrun` that FREEZE_TORCHRUN names
  package        Make and build the packages for crates.io, without publishing them
      --allow-dirty  also with changes that are not committed
  wheel          Build the wheel for pip, and try it and the hooks of pre-commit in new environments
  archive        Build the archive of the command for this kind of machine, with a checksum
  browser        Build the command, open its pages in Chromium, and compare what they draw with what
                 is simulated
  codegen        Write the words of the language into the grammars of editors
      --check      fail where they differ, and write nothing
  vscode         Package the extension for Visual Studio Code; needs npm
  neovim         Try the language server with Neovim's own client, and the colours of the grammar of
                 tree-sitter; needs Neovim and a C compiler
  acceptance     Build the example `acceptance` with CUDA for a machine that has Python's PyTorch
      --carry DIR  the folder to write, with a script `run`
  setup          Only find or fetch libtorch; cargo then needs no variable
      --cuda       the variant with CUDA (Linux; fetches 2.5 GB)
      --dry-run    list the wheels and fetch nothing
  help           Print this

libtorch 2.11.0 is taken from the folder in LIBTORCH, where that is set, and else from .libtorch/ in
the checkout. pip fetches its wheels into that folder and checks each against its hash in
xtask/libtorch.txt. A fetch that failed continues with the wheel that is missing.
";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Demo {
        args: Vec<String>,
    },
    Test {
        args: Vec<String>,
    },
    Structure,
    Book,
    Tutorial,
    Torchrun,
    Package {
        allow_dirty: bool,
    },
    Wheel,
    Archive,
    Browser,
    Codegen {
        only_checks: bool,
    },
    Vscode,
    Neovim,
    Acceptance {
        dir: PathBuf,
    },
    Setup {
        /// `None`: the variant that is already there, else the one without CUDA.
        variant: Option<Variant>,
        dry_run: bool,
    },
}

impl Command {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Error> {
        let name = args.next();
        match name.as_deref() {
            None | Some("help" | "-h" | "--help") => Ok(Self::Help),
            Some("demo") => Ok(Self::Demo { args: args.collect() }),
            Some("test") => Ok(Self::Test { args: args.collect() }),
            Some("structure") => alone(Self::Structure, args),
            Some("book") => alone(Self::Book, args),
            Some("tutorial") => alone(Self::Tutorial, args),
            Some("torchrun") => alone(Self::Torchrun, args),
            Some("package") => parse_package(args),
            Some("wheel") => alone(Self::Wheel, args),
            Some("archive") => alone(Self::Archive, args),
            Some("browser") => alone(Self::Browser, args),
            Some("codegen") => parse_codegen(args),
            Some("vscode") => alone(Self::Vscode, args),
            Some("neovim") => alone(Self::Neovim, args),
            Some("acceptance") => parse_acceptance(args),
            Some("setup") => parse_setup(args),
            Some(other) => Err(unknown(other)),
        }
    }
}

/// A command without arguments.
fn alone(command: Command, mut args: impl Iterator<Item = String>) -> Result<Command, Error> {
    match args.next() {
        None => Ok(command),
        Some(arg) => Err(unknown(&arg)),
    }
}

fn parse_package(mut args: impl Iterator<Item = String>) -> Result<Command, Error> {
    match (args.next().as_deref(), args.next()) {
        (None, _) => Ok(Command::Package { allow_dirty: false }),
        (Some("--allow-dirty"), None) => Ok(Command::Package { allow_dirty: true }),
        (Some("-h" | "--help"), None) => Ok(Command::Help),
        _ => Err(Error::line("use `cargo xtask package [--allow-dirty]`")),
    }
}

fn parse_codegen(mut args: impl Iterator<Item = String>) -> Result<Command, Error> {
    match (args.next().as_deref(), args.next()) {
        (None, None) => Ok(Command::Codegen { only_checks: false }),
        (Some("--check"), None) => Ok(Command::Codegen { only_checks: true }),
        _ => Err(Error::line("use `cargo xtask codegen` or `cargo xtask codegen --check`")),
    }
}

fn parse_acceptance(mut args: impl Iterator<Item = String>) -> Result<Command, Error> {
    match (args.next().as_deref(), args.next(), args.next()) {
        (Some("--carry"), Some(dir), None) => Ok(Command::Acceptance { dir: dir.into() }),
        (Some("-h" | "--help"), None, None) => Ok(Command::Help),
        _ => Err(Error::line("use `cargo xtask acceptance --carry DIR`")),
    }
}

fn parse_setup(args: impl Iterator<Item = String>) -> Result<Command, Error> {
    let (mut variant, mut dry_run) = (None, false);
    for arg in args {
        match arg.as_str() {
            "--cuda" => variant = Some(Variant::Cuda),
            "--dry-run" => dry_run = true,
            "-h" | "--help" => return Ok(Command::Help),
            other => return Err(unknown(other)),
        }
    }
    Ok(Command::Setup { variant, dry_run })
}

fn unknown(arg: &str) -> Error {
    Error::line(format!("unknown argument `{arg}`; see `cargo xtask help`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Error> {
        Command::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn arguments_after_test_and_demo_are_passed_on() {
        let args = vec!["--lib".into(), "--".into(), "--nocapture".into()];
        assert_eq!(parse("test --lib -- --nocapture"), Ok(Command::Test { args }));
        assert_eq!(parse("demo"), Ok(Command::Demo { args: vec![] }));
    }

    #[test]
    fn acceptance_needs_a_folder() {
        let wanted = Command::Acceptance { dir: "out".into() };
        assert_eq!(parse("acceptance --carry out"), Ok(wanted));
        for line in ["acceptance", "acceptance --carry", "acceptance out", "acceptance --carry a b"]
        {
            assert!(matches!(parse(line), Err(Error::Line(_))), "{line}");
        }
    }

    #[test]
    fn package_takes_one_flag() {
        assert_eq!(parse("package"), Ok(Command::Package { allow_dirty: false }));
        assert_eq!(parse("package --allow-dirty"), Ok(Command::Package { allow_dirty: true }));
        assert!(matches!(parse("package --dirty"), Err(Error::Line(_))));
        assert_eq!((parse("wheel"), parse("archive")), (Ok(Command::Wheel), Ok(Command::Archive)));
    }

    #[test]
    fn setup_takes_its_flags_in_any_order() {
        let wanted = Ok(Command::Setup { variant: Some(Variant::Cuda), dry_run: true });
        assert_eq!(parse("setup --dry-run --cuda"), wanted);
        assert_eq!(parse("setup"), Ok(Command::Setup { variant: None, dry_run: false }));
    }

    #[test]
    fn an_unknown_argument_is_named() {
        let Err(Error::Line(line)) = parse("setup --gpu") else { panic!("it was accepted") };
        assert!(line.contains("`--gpu`"), "{line}");
    }

    #[test]
    fn torchrun_takes_no_argument() {
        assert_eq!(parse("torchrun"), Ok(Command::Torchrun));
        assert!(matches!(parse("torchrun 2"), Err(Error::Line(_))));
    }

    #[test]
    fn no_argument_prints_the_help() {
        assert_eq!(parse(""), Ok(Command::Help));
        assert_eq!(parse("setup --help"), Ok(Command::Help));
    }
}
