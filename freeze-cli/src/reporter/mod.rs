//! Reports findings, for a person or for a machine.

mod github;
mod human;
mod json;
mod line_index;
mod sarif;
mod short;

use std::io::Write;

use freeze_dsl::diagnostic::{Diagnostic, Findings, Severity};
use freeze_dsl::source::Source;

pub(crate) use json::Finding;

use crate::Outcome;
use crate::output::{self, print_error};
use human::Color;
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
    denies_warnings: bool,
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
            denies_warnings: false,
            failures: Vec::new(),
            has_lost_lines: false,
            log: sarif::Log::default(),
        }
    }

    /// From now on, warnings count as errors.
    pub(crate) const fn deny_warnings(&mut self) {
        self.denies_warnings = true;
    }

    /// Reports all findings of one text.
    pub(crate) fn report_all(&mut self, findings: &Findings) {
        self.report(findings.diagnostics().iter(), findings.source());
    }

    /// Reports errors and warnings, not notes.
    pub(crate) fn report_problems(&mut self, findings: &Findings) {
        let is_problem = |finding: &&Diagnostic| finding.severity() != Severity::Note;
        self.report(findings.diagnostics().iter().filter(is_problem), findings.source());
    }

    fn report<'d>(&mut self, findings: impl Iterator<Item = &'d Diagnostic>, source: &Source) {
        let lines = LineIndex::new(source);
        for finding in findings {
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
    }

    /// Reports that something could not be done.
    pub(crate) fn fail(&mut self, message: &str) {
        self.write_error(&format!("error: {message}"));
        self.failures.push(message.to_owned());
    }

    /// Prints text on standard output. Reports output that is lost, once.
    pub(crate) fn print(&mut self, text: &str) {
        self.print_with(|out| out.write_all(text.as_bytes()));
    }

    /// Prints on standard output what `write` writes. Reports output that is lost, once.
    pub(crate) fn print_with(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
        if let Err(message) = output::write(write)
            && !self.failures.contains(&message)
        {
            self.fail(&message);
        }
    }

    /// Prints a remark, unless `--quiet` is set.
    pub(crate) fn remark(&mut self, line: &str) {
        if !self.options.quiet {
            self.write_error(line);
        }
    }

    /// Notes for a person that a policy without errors was checked without a model.
    pub(crate) fn note_missing_model(&mut self) {
        let is_read = matches!(self.options.message_format, Format::Human | Format::Short);
        if is_read && self.errors == 0 && !self.has_failed() {
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
        } else if self.errors > 0 || self.denies_warnings && self.warnings > 0 {
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
            self.write_error(&format!("… and {} more findings\n", all - Findings::SHOWN));
        }
        let counted: Vec<String> = [(self.errors, "error"), (self.warnings, "warning")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        if !counted.is_empty() {
            self.remark(&counted.join(", "));
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
