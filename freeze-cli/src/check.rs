//! `freeze check`: all findings of some policies.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use freeze_dsl::analyze;
use freeze_dsl::diagnostic::{Diagnostic, Findings, Severity, Style, render};
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;

use crate::{Color, Outcome};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze check resnet.freeze --model resnet18.safetensors")]
pub(crate) struct Arguments {
    /// The policies' files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The model to check against, a `.safetensors` or `.model.json` file, in place of the one
    /// that a policy names
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

/// What is printed on standard error, and what the exit status says.
pub(crate) fn run(arguments: &Arguments, color: Color) -> Outcome {
    let mut report =
        Report { style: style(color), errors: 0, warnings: 0, notes: 0, failed: false };
    let model = match &arguments.model {
        Some(path) => match Model::load(path) {
            Ok(model) => Some(model),
            Err(error) => {
                report.fail(&error.to_string());
                return Outcome::Failed;
            }
        },
        None => None,
    };
    for file in &arguments.files {
        match read(file) {
            Ok(source) => report.check(source, file, model.as_ref()),
            Err(error) => report.fail(&format!("cannot read `{}`: {error}", file.display())),
        }
    }
    report.conclude()
}

pub(crate) fn read(file: &Path) -> std::io::Result<Source> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(Source::named("<stdin>", text));
    }
    let text = std::fs::read_to_string(file)?;
    Ok(Source::named(file.display().to_string(), text))
}

pub(crate) fn style(color: Color) -> Style {
    let colored = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    if colored { Style::Ansi } else { Style::Plain }
}

struct Report {
    style: Style,
    errors: usize,
    warnings: usize,
    /// Worth knowing, and nothing wrong.
    notes: usize,
    failed: bool,
}

impl Report {
    /// Checks one policy against the given model, or else the one that it names.
    fn check(&mut self, source: Source, file: &Path, model: Option<&Model>) {
        let analysis = analyze(source);
        let named = match (model, analysis.model()) {
            (None, Some(named)) => match Model::load(beside(file, named)) {
                Ok(model) => Some(model),
                Err(error) => {
                    self.fail(&format!("cannot read the model: {error}"));
                    None
                }
            },
            _ => None,
        };
        let analysis = match model.or(named.as_ref()) {
            Some(model) => analysis.against(model),
            None => analysis,
        };
        self.print_all(analysis.findings.diagnostics(), analysis.findings.source());
    }

    fn print_all(&mut self, diagnostics: &[Diagnostic], source: &Source) {
        for diagnostic in diagnostics {
            match diagnostic.severity() {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Note => self.notes += 1,
            }
            if self.errors + self.warnings + self.notes > Findings::SHOWN {
                continue;
            }
            say(&format!("{}\n", render(diagnostic, source, self.style)));
        }
    }

    fn fail(&mut self, message: &str) {
        self.failed = true;
        say(&format!("error: {message}"));
    }

    fn conclude(&self) -> Outcome {
        let counted: Vec<String> = [(self.errors, "error"), (self.warnings, "warning")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        let all = self.errors + self.warnings + self.notes;
        if all > Findings::SHOWN {
            say(&format!("… and {} more findings\n", all - Findings::SHOWN));
        }
        if !counted.is_empty() {
            say(&counted.join(", "));
        }
        if self.failed {
            Outcome::Failed
        } else if counted.is_empty() {
            Outcome::Clean
        } else {
            Outcome::Found
        }
    }
}

/// A path that a policy names is relative to the policy's own file.
pub(crate) fn beside(file: &Path, named: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(named)
}

/// Prints to standard error; a reader that went away is no reason to fail.
pub(crate) fn say(text: &str) {
    let _gone = writeln!(std::io::stderr(), "{text}");
}
