//! What a command needs to run a plan through: the plan itself, and what is known of the training.

use std::num::IntErrorKind;
use std::path::{Path, PathBuf};

use freeze_dsl::plan::Plan;
use freeze_dsl::simulate::{SimulateError, Table};
use freeze_dsl::text_file;

use crate::checker::{CheckInputs, CheckedPolicy, Checker};
use crate::reporter::Reporter;

/// How many epochs or steps there are.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(count) if count > 0 => Ok(count),
        Err(error) if matches!(error.kind(), IntErrorKind::PosOverflow) => {
            Err(format!("it is too large: write at most {}", u64::MAX))
        }
        _ => Err("write a whole number, at least 1".to_owned()),
    }
}

/// What is known of the training.
#[derive(clap::Args)]
pub(crate) struct TrainingInputs {
    /// How many epochs the training has; by default, the policy's `run`
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub(crate) epochs: Option<u64>,
    /// How many optimizer steps each epoch has
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = count)]
    pub(crate) steps_per_epoch: Option<u64>,
    /// A CSV file with the metrics observed at the end of each epoch
    #[arg(long, value_name = "CSV")]
    metrics: Option<PathBuf>,
}

impl TrainingInputs {
    /// Notes the file with metrics, for `--watch`.
    pub(crate) fn note_input(&self, reporter: &Reporter<'_>) {
        if let Some(metrics) = &self.metrics {
            reporter.note_input(metrics);
        }
    }

    /// The metrics, if a file has them.
    pub(crate) fn metrics(&self) -> Result<Option<Table>, String> {
        self.metrics.as_deref().map(table).transpose()
    }
}

fn table(path: &Path) -> Result<Table, String> {
    let text = text_file::read(path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    Table::from_csv(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The plan of a policy; `None` if findings or failures were reported instead.
pub(crate) fn plan(
    command: &str,
    file: &Path,
    inputs: &CheckInputs,
    reporter: &mut Reporter<'_>,
) -> Result<Option<Plan>, String> {
    let Some(mut checker) = Checker::new(inputs, reporter) else { return Ok(None) };
    let Some(CheckedPolicy { policy, findings, model, plan }) = checker.check(file, reporter)
    else {
        return Ok(None);
    };
    if reporter.has_failed() {
        return Ok(None);
    }
    reporter.report_problems(&findings);
    if policy.is_some() && model.is_none() {
        return Err(format!(
            "{command} requires a model: pass `--model`, write `model \"…\";` in the policy, or name it \
             in `freeze.toml`"
        ));
    }
    // If the policy does not fit the model, the check has reported it.
    Ok(plan)
}

/// The error, with the options of the command.
pub(crate) fn with_option(error: SimulateError) -> String {
    error.with_advice("pass `--epochs`", "pass `--steps-per-epoch`")
}
