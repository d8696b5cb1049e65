//! `freeze check`: all findings of policies.

use std::path::PathBuf;

use freeze_dsl::diagnostic::Findings;

use crate::Outcome;
use crate::input::{self, CheckInputs};
use crate::reporter::{Options, Reporter, Stream};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  freeze check resnet.freeze --model resnet18.safetensors\n  \
                        freeze check resnet.freeze --set base=1e-3 --deny warnings\n  \
                        freeze check policies/*.freeze --message-format sarif > freeze.sarif\n\n\
                        Findings in the formats `human` and `short` are printed on standard error, \
                        all others on standard\noutput.")]
pub(crate) struct CheckArgs {
    /// The policies, or folders of `.freeze` files; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    inputs: CheckInputs,
    /// Findings to treat as errors
    #[arg(long, value_name = "WHAT", value_enum)]
    deny: Option<Denied>,
    /// How many optimizer steps each epoch has, as the program will give it
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    steps_per_epoch: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Denied {
    Warnings,
}

/// Prints the findings and how many there are.
pub(crate) fn run(arguments: &CheckArgs, options: &Options) -> Outcome {
    let CheckArgs { files, inputs, deny, steps_per_epoch } = arguments;
    let mut reporter = Reporter::new(options, Stream::Stdout);
    if *deny == Some(Denied::Warnings) {
        reporter.deny_warnings();
    }
    let model = inputs.model(&mut reporter);
    let mut has_all_models = true;
    // Without the model that was asked for, findings could be wrong.
    if !reporter.has_failed() {
        for file in input::policy_files(files, &mut reporter) {
            if let Some((checked, named)) = inputs.check(&file, model.as_ref(), &mut reporter) {
                has_all_models &= model.is_some() || named.is_some();
                reporter.report_all(&checked.findings);
                let plan = checked
                    .policy
                    .and_then(|policy| policy.plan(model.as_ref().or(named.as_ref())?).ok());
                if let Some(plan) = plan {
                    let coarse = plan.coarse_curves(*steps_per_epoch);
                    reporter.report_all(&Findings::new(plan.policy().source().clone(), coarse));
                }
            }
        }
    }
    if !has_all_models {
        reporter.note_missing_model();
    }
    reporter.conclude()
}
