//! `freeze simulate`: what a policy does over a whole training, one line per epoch or step.

use std::path::{Path, PathBuf};

use freeze_dsl::clock::Program;
use freeze_dsl::diagnostic::Findings;
use freeze_dsl::plan::Plan;
use freeze_dsl::simulate::{Per, Record, Setup, SimulateError, Simulation, Table, simulate};
use freeze_dsl::text_file;

use crate::Outcome;
use crate::input::CheckInputs;
use crate::reporter::{Options, Reporter, Stream};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze simulate resnet.freeze --model resnet18.safetensors \
                        --epochs 20 --metrics val.csv\n\n\
                        Each line is a JSON object. The metrics are a CSV table: a column `epoch`, \
                        then one column per metric\nwith the values observed at the end of that \
                        epoch.")]
pub(crate) struct SimulateArgs {
    /// The policy; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    inputs: CheckInputs,
    /// How many epochs to simulate; by default, the policy's `run`
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// How many optimizer steps each epoch has
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    steps_per_epoch: Option<u64>,
    /// A CSV file with the metrics observed at the end of each epoch
    #[arg(long, value_name = "CSV")]
    metrics: Option<PathBuf>,
    /// How often to print a line
    #[arg(long, value_enum, default_value_t = Every::Epoch)]
    per: Every,
    /// Write only what changed: after the first line and each rule that fires, the numbers of groups
    /// that differ from the line before
    #[arg(long)]
    changes: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Every {
    Epoch,
    Step,
}

/// Prints the records on standard output, findings and notes on standard error.
pub(crate) fn run(arguments: &SimulateArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let simulation = plan(arguments, &mut reporter).and_then(|plan| {
        let Some(plan) = plan else { return Ok(None) };
        let source = plan.policy().source().clone();
        let simulation = simulate(plan, setup(arguments)?).map_err(with_option)?;
        Ok(Some((source, simulation)))
    });
    match simulation {
        Ok(Some((source, simulation))) => {
            reporter.report_all(&Findings::new(source, simulation.diagnostics().to_vec()));
            print_all(simulation, arguments.changes, &mut reporter);
        }
        Ok(None) => {}
        Err(message) => reporter.fail(&message),
    }
    reporter.conclude()
}

/// The plan of the policy; `None` if findings or failures were reported instead.
fn plan(arguments: &SimulateArgs, reporter: &mut Reporter<'_>) -> Result<Option<Plan>, String> {
    let SimulateArgs { file, inputs, .. } = arguments;
    let model = inputs.model(reporter);
    if reporter.has_failed() {
        return Ok(None);
    }
    let Some((checked, named)) = inputs.check(file, model.as_ref(), reporter) else {
        return Ok(None);
    };
    if reporter.has_failed() {
        return Ok(None);
    }
    reporter.report_problems(&checked.findings);
    let Some(policy) = checked.policy else { return Ok(None) };
    let Some(model) = model.or(named) else {
        return Err(
            "simulate requires a model: pass `--model`, or write `model \"…\";` in the policy"
                .to_owned(),
        );
    };
    // If the policy does not fit the model, the check has reported it.
    Ok(policy.plan(&model).ok())
}

fn setup(arguments: &SimulateArgs) -> Result<Setup, String> {
    Ok(Setup {
        epochs: arguments.epochs,
        program: Program { steps_per_epoch: arguments.steps_per_epoch, ..Program::default() },
        metrics: arguments.metrics.as_deref().map(table).transpose()?.unwrap_or_default(),
        per: match arguments.per {
            Every::Epoch => Per::Epoch,
            Every::Step => Per::Step,
        },
    })
}

fn table(path: &Path) -> Result<Table, String> {
    let text = text_file::read(path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    Table::from_csv(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The error, with the option that provides what is missing.
fn with_option(error: SimulateError) -> String {
    let option = match error {
        SimulateError::NoLength => "; pass `--epochs`",
        SimulateError::NoSteps(_) => "; pass `--steps-per-epoch`",
        SimulateError::EmptyEpoch => "",
    };
    format!("{error}{option}")
}

fn print_all(mut simulation: Simulation, only_changes: bool, reporter: &mut Reporter<'_>) {
    let mut remarks = Vec::new();
    let mut before: Option<Record> = None;
    reporter.print_with(|out| {
        loop {
            let record = simulation.next();
            remarks.extend(simulation.notes().iter().map(|note| format!("note: {note}")));
            let Some(record) = record else { return Ok(()) };
            match before.as_ref().and_then(|before| record.changes_since(before)) {
                Some(changes) => serde_json::to_writer(&mut *out, &changes)?,
                None => serde_json::to_writer(&mut *out, &record)?,
            }
            out.write_all(b"\n")?;
            before = only_changes.then_some(record);
        }
    });
    for remark in remarks {
        reporter.remark(&remark);
    }
}
