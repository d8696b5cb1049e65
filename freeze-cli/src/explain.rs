//! `freeze explain`: what a finding means.

use freeze_dsl::diagnostic::Code;

use crate::Outcome;
use crate::output::{print, say};

#[derive(clap::Args)]
#[command(override_usage = "freeze explain CODE\n       freeze explain --all")]
#[command(after_help = "Examples:\n  freeze explain FRZ0201\n  freeze explain --all > findings.md")]
pub(crate) struct Arguments {
    /// The code of the finding, as it stands in brackets behind `error`
    #[arg(required_unless_present = "all", value_name = "CODE")]
    code: Option<String>,
    /// Explain every code
    #[arg(long, conflicts_with = "code")]
    all: bool,
}

/// Prints pages on standard output.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let codes = match &arguments.code {
        None => Code::ALL.to_vec(),
        Some(written) => match Code::of(written) {
            Some(code) => vec![code],
            None => return unknown(written),
        },
    };
    let pages: Vec<&str> = codes.into_iter().map(Code::page).collect();
    print(&pages.join("\n\n"));
    Outcome::Clean
}

fn unknown(written: &str) -> Outcome {
    let meant = Code::nearest(written)
        .map_or(String::new(), |code| format!("; did you mean `{code}` ({})?", code.meaning()));
    // Whatever was typed is shown without what would do something to a terminal.
    let shown = written.escape_debug();
    say(&format!("error: there is no finding `{shown}`{meant}"));
    Outcome::Failed
}
