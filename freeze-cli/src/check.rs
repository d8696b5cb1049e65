//! `freeze check`: all findings of policies.

use std::path::PathBuf;

use freeze_dsl::diagnostic::Findings;

use crate::checker::{CheckInputs, CheckedPolicy, Checker};
use crate::reporter::{Options, Reporter, Stream};
use crate::training::count;
use crate::watch::WatchArgs;
use crate::{Outcome, input};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  freeze check\n  \
                        freeze check resnet.freeze --model resnet18.safetensors\n  \
                        freeze check resnet.freeze --set base=1e-3 --deny warnings\n  \
                        freeze check policies --allow FRZ0502 --message-format sarif > freeze.sarif\n\n\
                        Findings in the formats `human` and `short` are printed on standard error, \
                        all others on standard\noutput.")]
pub(crate) struct CheckArgs {
    /// The policies, or folders of `.freeze` files; `-` reads standard input
    #[arg(default_value = ".", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    inputs: CheckInputs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// How many optimizer steps each epoch has, as the program will give it
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = count)]
    steps_per_epoch: Option<u64>,
}

/// Prints the findings and how many there are.
pub(crate) fn run(arguments: &CheckArgs, options: &Options) -> Outcome {
    let CheckArgs { files, inputs, steps_per_epoch, .. } = arguments;
    let mut reporter = Reporter::new(options, Stream::Stdout);
    let Some(mut checker) = Checker::new(inputs, &mut reporter) else {
        return reporter.conclude();
    };
    let mut has_all_models = true;
    if files.iter().any(|file| file.is_dir()) {
        checker.share_numbers();
    }
    for file in input::policy_files(files, &mut reporter) {
        let Some(CheckedPolicy { findings, model, plan, .. }) = checker.check(&file, &mut reporter)
        else {
            continue;
        };
        has_all_models &= model.is_some();
        reporter.report_all(&findings);
        if let Some(plan) = plan {
            let coarse = plan.coarse_curves(*steps_per_epoch);
            reporter.report_all(&Findings::new(plan.policy().source().clone(), coarse));
        }
    }
    checker.report_unknown_numbers(&mut reporter);
    if !has_all_models {
        reporter.note_missing_model();
    }
    reporter.conclude()
}
