//! `freeze fix`: applies the edits that findings offer.

use std::path::{Path, PathBuf};

use freeze_dsl::diagnostic::{
    Applicability, Diagnostic, Findings, Suggestion, applied, disjoint, visible_name,
};
use freeze_dsl::diff::unified;
use freeze_dsl::source::Source;

use crate::checker::{CheckInputs, CheckedPolicy, Checker};
use crate::replace::replace;
use crate::reporter::{Options, Reporter, Stream};
use crate::{Outcome, input};

/// How often a text is edited at most. Each edit can uncover further findings.
const MOST_ROUNDS: usize = 100;

/// How many edited texts are checked at most, so that a long text with many edits that make it worse
/// takes seconds.
const MOST_CHECKS: usize = 200;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  freeze fix resnet.freeze --model resnet18.safetensors\n  \
                        freeze fix --diff policies\n  freeze fix - < old.freeze > new.freeze\n\n\
                        Without `--unsafe`, only edits are applied that keep the meaning, or make \
                        it what was certainly meant. A text never has more errors than before. \
                        Findings that are left are printed.")]
pub(crate) struct FixArgs {
    /// The policies, or folders of `.freeze` files; `-` reads standard input and prints the result
    /// on standard output
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change nothing; print the changes as a unified diff
    #[arg(long)]
    diff: bool,
    /// Apply guesses as well, where a finding has only one
    #[arg(long = "unsafe")]
    with_guesses: bool,
    #[command(flatten)]
    inputs: CheckInputs,
}

/// Fixes files in place, and prints what was fixed and what is left.
pub(crate) fn run(arguments: &FixArgs, options: &Options) -> Outcome {
    let prints_text = arguments.diff || arguments.files.iter().any(|file| is_stdin(file));
    let stream = if prints_text { Stream::Stderr } else { Stream::Stdout };
    let mut reporter = Reporter::new(options, stream);
    let Some(mut checker) = Checker::new(&arguments.inputs, &mut reporter) else {
        return reporter.conclude();
    };
    if arguments.files.iter().any(|file| file.is_dir()) {
        checker.share_numbers();
    }
    let mut total = Total::default();
    for file in input::policy_files(&arguments.files, &mut reporter) {
        fix_file(&file, arguments, &mut checker, &mut total, &mut reporter);
    }
    checker.report_unknown_numbers(&mut reporter);
    if total.is_without_model {
        reporter.note_missing_model();
    }
    if let Some(remark) = total.remark(arguments) {
        reporter.remark(&remark);
    }
    let differs = arguments.diff && total.edited_files > 0;
    reporter.conclude().max(if differs { Outcome::Problems } else { Outcome::Clean })
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// What was done to all files.
#[derive(Default)]
struct Total {
    fixed: usize,
    edited_files: usize,
    /// How many of the findings that are left have a single guess.
    guesses: usize,
    is_without_model: bool,
}

impl Total {
    fn remark(&self, arguments: &FixArgs) -> Option<String> {
        let counted = |count: usize, one: &str, more: &str| {
            format!("{count} {}", if count == 1 { one } else { more })
        };
        let verb = if arguments.diff { "would fix" } else { "fixed" };
        let findings = counted(self.fixed, "finding", "findings");
        let files = counted(self.edited_files, "file", "files");
        let fixed = (self.fixed > 0).then(|| format!("{verb} {findings} in {files}"));
        let guesses = counted(self.guesses, "guess", "guesses");
        let them = if self.guesses == 1 { "it" } else { "them" };
        let left = (self.guesses > 0 && !arguments.with_guesses)
            .then(|| format!("{guesses} left: `--unsafe` applies {them}"));
        let both: Vec<String> = fixed.into_iter().chain(left).collect();
        (!both.is_empty()).then(|| both.join("; "))
    }
}

/// Fixes a file, or reports why it cannot.
fn fix_file(
    file: &Path,
    arguments: &FixArgs,
    checker: &mut Checker<'_>,
    total: &mut Total,
    reporter: &mut Reporter<'_>,
) {
    let Some(source) = input::policy(file, reporter) else { return };
    let (name, before) = (source.name().to_owned(), source.text().to_owned());
    let Some(fixed) = fix(file, source, arguments.with_guesses, checker, reporter) else { return };
    let after = fixed.findings.source().text();
    total.is_without_model |= !fixed.has_model;
    if arguments.diff {
        reporter.print(&unified(&visible_name(&name), &before, after));
    } else if is_stdin(file) {
        reporter.print(after);
    } else if before != after
        && let Err(error) = replace(file, &before, after)
    {
        reporter.fail(&format!("cannot write `{name}`: {error}"));
        return;
    }
    total.fixed += fixed.lines.len();
    total.edited_files += usize::from(before != after);
    total.guesses += fixed.offers(reporter, true).len();
    if !arguments.diff {
        for line in &fixed.lines {
            reporter.remark(line);
        }
    }
    reporter.report_all(&fixed.findings);
}

/// A finding and the suggestion that is to fix it.
#[derive(Debug, Clone, Copy)]
struct Offer<'d> {
    finding: &'d Diagnostic,
    suggestion: &'d Suggestion,
}

/// A text in which some findings are fixed.
struct Fixed {
    /// What was fixed, a line each.
    lines: Vec<String>,
    /// The findings that are left, with the text.
    findings: Findings,
    has_model: bool,
}

/// Fixes a text round after round, as long as that makes nothing worse.
fn fix(
    file: &Path,
    source: Source,
    with_guesses: bool,
    checker: &mut Checker<'_>,
    reporter: &mut Reporter<'_>,
) -> Option<Fixed> {
    let name = source.name().to_owned();
    let mut check = |source, lines, reporter: &mut Reporter<'_>| {
        let CheckedPolicy { findings, model, .. } = checker.check_source(file, source, reporter)?;
        Some(Fixed { lines, findings, has_model: model.is_some() })
    };
    let mut fixed = check(source, Vec::new(), reporter)?;
    let mut checks = 0;
    for _ in 0..MOST_ROUNDS {
        let offers = fixed.offers(reporter, with_guesses);
        let offers = disjoint(offers, |offer| offer.suggestion);
        if offers.is_empty() {
            break;
        }
        let mut next: Option<Fixed> = None;
        // All at once; if that makes it worse, one half and then the other, from the end, so that the
        // places of the others stay right.
        let mut waiting = vec![offers.as_slice()];
        while let Some(some) = waiting.pop().filter(|_| checks < MOST_CHECKS) {
            let current = next.as_ref().unwrap_or(&fixed);
            let edits = some.iter().flat_map(|offer| &offer.suggestion.edits);
            let text = applied(current.findings.source().text(), edits);
            let mut lines = current.lines.clone();
            lines.extend(some.iter().map(|offer| fixed.line(offer)));
            checks += 1;
            let edited = check(Source::named(name.clone(), text), lines, reporter)?;
            // Where not all findings are listed, others take the places of those that are fixed.
            let is_cut = !edited.findings.at_least().is_empty();
            if edited.errors() <= current.errors() + if is_cut { some.len() } else { 0 } {
                next = Some(edited);
            } else if some.len() > 1 {
                waiting.extend(<[_; 2]>::from(some.split_at(some.len() / 2)));
            }
        }
        match next {
            Some(next) => fixed = next,
            None => break,
        }
    }
    Some(fixed)
}

impl Fixed {
    fn errors(&self) -> usize {
        self.findings.diagnostics().iter().filter(|finding| finding.is_error()).count()
    }

    /// The edits of the findings that are reported: safe ones, and guesses where there is only one.
    fn offers(&self, reporter: &Reporter<'_>, with_guesses: bool) -> Vec<Offer<'_>> {
        let findings = self.findings.diagnostics().iter();
        let findings = findings.filter(|finding| reporter.reports(finding));
        let offers = findings.filter_map(|finding| {
            let is_safe = |applicability| applicability == Applicability::Safe;
            let safe = finding.suggestions.iter().find(|it| is_safe(it.applicability));
            let suggestion = match (safe, finding.suggestions.as_slice()) {
                (Some(safe), _) => safe,
                (None, [guess]) if with_guesses => guess,
                _ => return None,
            };
            Some(Offer { finding, suggestion })
        });
        offers.collect()
    }

    /// `resnet.freeze:3:19: fixed FRZ0504: …`
    fn line(&self, offer: &Offer<'_>) -> String {
        let source = self.findings.source();
        let Diagnostic { code, message, span, .. } = offer.finding;
        let (line, column) = source.line_column(span.start);
        format!("{}:{line}:{column}: fixed {code}: {message}", source.name())
    }
}
