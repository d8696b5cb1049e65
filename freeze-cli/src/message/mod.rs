//! Findings as the command tells them, for a person or for a machine.

mod github;
mod human;
mod json;
mod places;
mod sarif;
mod short;

use freeze_dsl::diagnostic::{Diagnostic, Findings, Severity};
use freeze_dsl::source::Source;

pub(crate) use json::Finding;

use crate::Outcome;
use crate::output::{print, say};
use human::Color;
use places::Places;

/// The options that every subcommand has.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How to print findings
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    message_format: Format,
    /// When to print with colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Print findings, and nothing of how many there are or what was done
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person: each with its place in the text
    Human,
    /// A line a finding
    Short,
    /// A JSON object a line
    Json,
    /// A SARIF 2.1.0 log
    Sarif,
    /// Commands that annotate a pull request on GitHub
    Github,
}

/// Where findings go that are for a machine. Those for a person go to standard error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// To standard output: they are what the command is asked for.
    Output,
    /// To standard error: the command prints something else.
    Error,
}

/// Tells findings and failures, and counts them.
pub(crate) struct Messages<'o> {
    options: &'o Options,
    to: To,
    errors: usize,
    warnings: usize,
    /// Worth knowing, and nothing wrong.
    notes: usize,
    denies_warnings: bool,
    failures: Vec<String>,
    log: sarif::Log,
}

impl<'o> Messages<'o> {
    pub(crate) fn new(options: &'o Options, to: To) -> Self {
        Self {
            options,
            to,
            errors: 0,
            warnings: 0,
            notes: 0,
            denies_warnings: false,
            failures: Vec::new(),
            log: sarif::Log::default(),
        }
    }

    /// From now on, a warning is as bad as an error.
    pub(crate) const fn deny_warnings(&mut self) {
        self.denies_warnings = true;
    }

    /// Tells all that was found in one text.
    pub(crate) fn tell_all(&mut self, findings: &Findings) {
        self.tell(findings.diagnostics().iter(), findings.source());
    }

    /// Tells errors and warnings, and leaves out what is only worth knowing.
    pub(crate) fn tell_wrong(&mut self, findings: &Findings) {
        let wrong = |finding: &&Diagnostic| finding.severity() != Severity::Note;
        self.tell(findings.diagnostics().iter().filter(wrong), findings.source());
    }

    fn tell<'d>(&mut self, findings: impl Iterator<Item = &'d Diagnostic>, source: &Source) {
        let places = Places::new(source);
        for finding in findings {
            match finding.severity() {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Note => self.notes += 1,
            }
            match self.options.message_format {
                Format::Human if self.count() > Findings::SHOWN => {}
                Format::Human => say(&human::finding(finding, source, self.options.color)),
                Format::Short => say(&short::line(finding, &places)),
                Format::Json => self.hand_over(&json::line(finding, &places)),
                Format::Github => self.hand_over(&github::line(finding, &places)),
                Format::Sarif => self.log.add(finding, &places),
            }
        }
    }

    /// Tells that something could not be done.
    pub(crate) fn fail(&mut self, message: &str) {
        say(&format!("error: {message}"));
        self.failures.push(message.to_owned());
    }

    /// Tells a person what was done, unless nobody wants to know.
    pub(crate) fn remark(&self, line: &str) {
        if !self.options.quiet {
            say(line);
        }
    }

    pub(crate) const fn have_failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Says how much was found, and what the exit status is to say.
    pub(crate) fn conclude(self) -> Outcome {
        match self.options.message_format {
            Format::Human | Format::Short => self.count_up(),
            Format::Sarif => self.hand_over(&self.log.text(&self.failures)),
            Format::Json | Format::Github => {}
        }
        if self.have_failed() {
            Outcome::Failed
        } else if self.errors > 0 || self.denies_warnings && self.warnings > 0 {
            Outcome::Found
        } else {
            Outcome::Clean
        }
    }

    const fn count(&self) -> usize {
        self.errors + self.warnings + self.notes
    }

    fn count_up(&self) {
        let all = self.count();
        if all > Findings::SHOWN && self.options.message_format == Format::Human {
            say(&format!("… and {} more findings\n", all - Findings::SHOWN));
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

    fn hand_over(&self, line: &str) {
        match self.to {
            To::Output => print(&format!("{line}\n")),
            To::Error => say(line),
        }
    }
}
