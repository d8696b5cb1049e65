//! `freeze simulate`: what a policy does over a whole training, a line an epoch or a step.

use std::io::Write;
use std::path::{Path, PathBuf};

use freeze_dsl::clock::Program;
use freeze_dsl::plan::Plan;
use freeze_dsl::simulate::{Per, Setup, SimulateError, Simulation, Table, simulate};

use crate::input::Given;
use crate::message::{Messages, Options, To};
use crate::{Outcome, output};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze simulate resnet.freeze --model resnet18.safetensors \
                        --epochs 20 --metrics val.csv\n\n\
                        Each line is a JSON object. The table of metrics is CSV: a column `epoch`, \
                        then one a metric,\nwith the values observed at the end of that epoch.")]
pub(crate) struct Arguments {
    /// The policy's file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    given: Given,
    /// How many epochs to go through; without it, all of the policy's `run`
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// How many optimizer steps an epoch has
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    steps_per_epoch: Option<u64>,
    /// A CSV file with the metrics that are observed at the end of each epoch
    #[arg(long, value_name = "CSV")]
    metrics: Option<PathBuf>,
    /// How often to print a line
    #[arg(long, value_enum, default_value_t = Every::Epoch)]
    per: Every,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Every {
    Epoch,
    Step,
}

/// Prints the records on standard output, and findings and notes on standard error.
pub(crate) fn run(arguments: &Arguments, options: &Options) -> Outcome {
    let mut messages = Messages::new(options, To::Error);
    let made = plan(arguments, &mut messages).and_then(|plan| {
        let Some(plan) = plan else { return Ok(()) };
        print_all(simulate(plan, setup(arguments)?).map_err(missing)?, &messages)
    });
    if let Err(message) = made {
        messages.fail(&message);
    }
    messages.conclude()
}

/// The policy on its model, unless what is told says why there is none.
fn plan(arguments: &Arguments, messages: &mut Messages<'_>) -> Result<Option<Plan>, String> {
    let Arguments { file, given, .. } = arguments;
    let model = given.model(messages);
    if messages.have_failed() {
        return Ok(None);
    }
    let Some((checked, named)) = given.check(file, model.as_ref(), messages) else {
        return Ok(None);
    };
    if messages.have_failed() {
        return Ok(None);
    }
    messages.tell_wrong(&checked.findings);
    let Some(policy) = checked.policy else { return Ok(None) };
    let Some(model) = model.or(named) else {
        return Err("no model is named: give one with `--model`, or write `model \"…\";` in the \
                    policy"
            .to_owned());
    };
    // What does not fit the model was found by the check.
    Ok(policy.plan(&model).ok())
}

fn setup(arguments: &Arguments) -> Result<Setup, String> {
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
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    Table::from_csv(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// What is missing, with the option that gives it.
fn missing(error: SimulateError) -> String {
    let option = match error {
        SimulateError::NoLength => "; give `--epochs`",
        SimulateError::NoSteps(_) => "; give `--steps-per-epoch`",
        SimulateError::EmptyEpoch => "",
    };
    format!("{error}{option}")
}

fn print_all(mut simulation: Simulation, messages: &Messages<'_>) -> Result<(), String> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut print = || loop {
        let record = simulation.next();
        for note in simulation.notes() {
            messages.remark(&format!("note: {note}"));
        }
        let Some(record) = record else { return out.flush() };
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
    };
    output::written(print())
}
