//! `freeze explain`: the page of a finding.

use freeze_dsl::diagnostic::Code;

use crate::reporter::{Options, Reporter, Stream};
use crate::{Outcome, codes};

#[derive(clap::Args)]
#[command(override_usage = "freeze explain CODE\n       freeze explain --all")]
#[command(after_help = "Examples:\n  freeze explain FRZ0201\n  freeze explain --all > findings.md")]
pub(crate) struct ExplainArgs {
    /// The code of the finding, as printed in brackets after `error`
    #[arg(required_unless_present = "all", value_name = "CODE")]
    code: Option<String>,
    /// Explain every code
    #[arg(long, conflicts_with = "code")]
    all: bool,
}

/// Prints pages on standard output.
pub(crate) fn run(arguments: &ExplainArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let codes = match &arguments.code {
        None => Ok(Code::ALL.to_vec()),
        Some(written) => codes::named(written).map(|code| vec![code]),
    };
    match codes {
        Ok(codes) => {
            let pages: Vec<&str> = codes.into_iter().map(Code::page).collect();
            reporter.print(&pages.join("\n\n"));
        }
        Err(message) => reporter.fail(&message),
    }
    reporter.conclude()
}
