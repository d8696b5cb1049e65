//! Reports findings, for a person or for a machine.

mod github;
mod human;
mod json;
mod line_index;
mod sarif;
mod short;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use freeze_dsl::diagnostic::{Diagnostic, Findings, Severity, visible};

pub(crate) use json::Finding;

use crate::Outcome;
use crate::levels::Levels;
use crate::output::{self, print_error};
use human::Color;
pub(crate) use human::color_of_help;
use line_index::LineIndex;

/// The options that every subcommand has.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How to print findings
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    message_format: Format,
    /// When to print colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Print findings only, no counts and no remarks
    #[arg(short, long, global = true)]
    quiet: bool,
    /// What the command has read.
    #[arg(skip)]
    inputs: RefCell<Inputs>,
}

impl Options {
    /// What was read since the last call.
    pub(crate) fn take_inputs(&self) -> Inputs {
        self.inputs.take()
    }
}

/// The files that the command has read, and the folders that it has searched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inputs {
    pub(crate) files: BTreeSet<PathBuf>,
    pub(crate) folders: BTreeSet<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person: each finding with an excerpt of the text
    Human,
    /// One line per finding
    Short,
    /// One JSON object per line
    Json,
    /// A SARIF 2.1.0 log
    Sarif,
    /// Workflow commands that annotate a pull request on GitHub
    Github,
}

/// Where findings for a machine are written. Those for a person go to standard error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output: findings are the output of the command.
    Stdout,
    /// Standard error: the command prints something else.
    Stderr,
}

/// Reports findings and failures, and counts them.
pub(crate) struct Reporter<'o> {
    options: &'o Options,
    stream: Stream,
    errors: usize,
    warnings: usize,
    notes: usize,
    /// What precedes the counts: `at least ` if not all findings are listed.
    at_least: &'static str,
    /// Whether a policy has an error of its own, not one that a level makes.
    is_unusable: bool,
    levels: Levels,
    failures: Vec<String>,
    /// Whether a line for standard error could not be written.
    has_lost_lines: bool,
    log: sarif::Log,
}

impl<'o> Reporter<'o> {
    pub(crate) fn new(options: &'o Options, stream: Stream) -> Self {
        Self {
            options,
            stream,
            errors: 0,
            warnings: 0,
            notes: 0,
            at_least: "",
            is_unusable: false,
            levels: Levels::default(),
            failures: Vec::new(),
            has_lost_lines: false,
            log: sarif::Log::default(),
        }
    }

    /// From now on, findings have these levels.
    pub(crate) fn set_levels(&mut self, levels: Levels) {
        self.levels = levels;
    }

    /// Whether a finding is reported at its level.
    pub(crate) fn reports(&self, finding: &Diagnostic) -> bool {
        self.levels.apply(finding).is_some()
    }

    /// Notes that a file was read, for `--watch`.
    pub(crate) fn note_input(&self, file: &Path) {
        self.options.inputs.borrow_mut().files.insert(file.to_owned());
    }

    /// Notes that a folder was searched for policies, for `--watch`.
    pub(crate) fn note_folder(&self, folder: &Path) {
        self.options.inputs.borrow_mut().folders.insert(folder.to_owned());
    }

    /// Reports all findings of one text, at their levels.
    pub(crate) fn report_all(&mut self, findings: &Findings) {
        self.report(findings, |_| true);
    }

    /// Reports errors and warnings, not notes.
    pub(crate) fn report_problems(&mut self, findings: &Findings) {
        self.report(findings, |finding| finding.severity() != Severity::Note);
    }

    fn report(&mut self, findings: &Findings, is_reported: impl Fn(&Diagnostic) -> bool) {
        let source = findings.source();
        let lines = LineIndex::new(source);
        let levels = std::mem::take(&mut self.levels);
        if self.at_least.is_empty() {
            self.at_least = findings.at_least();
        }
        for finding in findings.diagnostics() {
            self.is_unusable |= finding.is_error();
            let Some(finding) = levels.apply(finding).filter(|finding| is_reported(finding)) else {
                continue;
            };
            let finding = finding.as_ref();
            match finding.severity() {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Note => self.notes += 1,
            }
            match self.options.message_format {
                Format::Human if self.count() > Findings::SHOWN => {}
                Format::Human => {
                    self.write_error(&human::finding(finding, source, self.options.color));
                }
                Format::Short => self.write_error(&short::line(finding, &lines)),
                Format::Json => self.write_line(&json::line(finding, &lines)),
                Format::Github => self.write_line(&github::line(finding, &lines)),
                Format::Sarif => self.log.add(finding, &lines),
            }
        }
        self.levels = levels;
    }

    /// Reports that something could not be done.
    pub(crate) fn fail(&mut self, message: &str) {
        self.write_error(&human::failure(message, self.options.color));
        self.failures.push(message.to_owned());
    }

    /// Reports that something could not be done, unless the same was reported before.
    pub(crate) fn fail_once(&mut self, message: &str) {
        if !self.failures.iter().any(|known| known == message) {
            self.fail(message);
        }
    }

    /// Prints text on standard output. Reports output that is lost, once.
    pub(crate) fn print(&mut self, text: &str) {
        self.print_with(|out| out.write_all(text.as_bytes()));
    }

    /// Prints on standard output what `write` writes. Reports output that is lost, once.
    pub(crate) fn print_with(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
        if let Err(message) = output::write(write) {
            self.fail_once(&message);
        }
    }

    /// Writes text to the file of `--output`; without one, and for `-`, prints it. A file that the
    /// command has read is not overwritten.
    pub(crate) fn print_to(&mut self, output: Option<&Path>, text: &str) {
        let Some(file) = output.filter(|file| file.as_os_str() != "-") else {
            self.print(text);
            return;
        };
        let shown = file.display();
        if self.has_read(file) {
            self.fail(&format!(
                "cannot write `{shown}`: it was read by this command; name another"
            ));
        } else if let Err(error) = fs::write(file, text) {
            self.fail(&format!("cannot write `{shown}`: {error}"));
        }
    }

    /// Whether a file is one of those that were read, by whatever path.
    fn has_read(&self, file: &Path) -> bool {
        let Ok(file) = fs::canonicalize(file) else { return false };
        let inputs = self.options.inputs.borrow();
        inputs.files.iter().any(|input| fs::canonicalize(input).is_ok_and(|input| input == file))
    }

    /// Prints a remark, unless `--quiet` is set.
    pub(crate) fn remark(&mut self, line: &str) {
        if !self.options.quiet {
            self.write_error(&visible(line));
        }
    }

    /// Notes for a person that a policy without errors was checked without a model.
    pub(crate) fn note_missing_model(&mut self) {
        let is_read = matches!(self.options.message_format, Format::Human | Format::Short);
        if is_read && !self.is_unusable && !self.has_failed() {
            self.remark("note: no model given: selectors were not looked up");
        }
    }

    pub(crate) const fn has_failed(&self) -> bool {
        !self.failures.is_empty() || self.has_lost_lines
    }

    /// Prints the counts and returns the result of the command.
    pub(crate) fn conclude(mut self) -> Outcome {
        match self.options.message_format {
            Format::Human | Format::Short => self.print_counts(),
            Format::Sarif => self.write_line(&self.log.text(&self.failures)),
            Format::Json | Format::Github => {}
        }
        if self.has_failed() {
            Outcome::Failed
        } else if self.errors > 0 {
            Outcome::Problems
        } else {
            Outcome::Clean
        }
    }

    const fn count(&self) -> usize {
        self.errors + self.warnings + self.notes
    }

    fn print_counts(&mut self) {
        let all = self.count();
        if all > Findings::SHOWN && self.options.message_format == Format::Human {
            let (at_least, more) = (self.at_least, all - Findings::SHOWN);
            self.write_error(&format!("… and {at_least}{more} more findings\n"));
        }
        let counted: Vec<String> = [(self.errors, "error"), (self.warnings, "warning")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        if !counted.is_empty() {
            self.remark(&format!("{}{}", self.at_least, counted.join(", ")));
        }
    }

    fn write_line(&mut self, line: &str) {
        match self.stream {
            Stream::Stdout => self.print(&format!("{line}\n")),
            Stream::Stderr => self.write_error(line),
        }
    }

    fn write_error(&mut self, line: &str) {
        self.has_lost_lines |= !print_error(line);
    }
}
