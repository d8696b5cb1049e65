//! `freeze simulate`: what a policy does over a whole training, one line per epoch or step.

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use freeze_dsl::clock::Program;
use freeze_dsl::diagnostic::Findings;
use freeze_dsl::simulate::{Per, Record, Setup, Simulation, simulate};

use crate::Outcome;
use crate::checker::CheckInputs;
use crate::reporter::{Options, Reporter, Stream};
use crate::simulate_table::RecordTable;
use crate::training::{self, TrainingInputs, with_option};
use crate::watch::WatchArgs;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze simulate resnet.freeze --model resnet18.safetensors \
                        --epochs 20 --metrics val.csv\n\n\
                        On a terminal, the output is a table; elsewhere, each line is a JSON \
                        object. The metrics are a CSV table: a column `epoch`, \
                        then one column per metric with the values observed at the end of that \
                        epoch.")]
pub(crate) struct SimulateArgs {
    /// The policy; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    inputs: CheckInputs,
    #[command(flatten)]
    training: TrainingInputs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// How often to print a line
    #[arg(long, value_enum, default_value_t = Every::Epoch)]
    per: Every,
    /// Write only what changed: after the first line and each rule that fires, the numbers of groups
    /// that differ from the line before
    #[arg(long)]
    changes: bool,
    /// How to print: by default, a table on a terminal and JSON elsewhere
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<SimulateFormat>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SimulateFormat {
    /// A line for a person
    Table,
    /// A JSON object per line
    Json,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Every {
    Epoch,
    Step,
}

/// Prints the records on standard output, findings and notes on standard error.
pub(crate) fn run(arguments: &SimulateArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let SimulateArgs { file, inputs, training, .. } = arguments;
    if arguments.changes && matches!(arguments.format, Some(SimulateFormat::Table)) {
        reporter.fail("`--changes` prints JSON, and `--format table` does not");
        return reporter.conclude();
    }
    training.note_input(&reporter);
    let plan = training::plan("simulate", file, inputs, &mut reporter);
    let simulation = plan.and_then(|plan| {
        let Some(plan) = plan else { return Ok(None) };
        let source = plan.policy().source().clone();
        let table = RecordTable::new(&plan, training.steps_per_epoch.is_some());
        let simulation = simulate(plan, setup(arguments)?).map_err(with_option)?;
        Ok(Some((source, simulation, table)))
    });
    match simulation {
        Ok(Some((source, simulation, table))) => {
            reporter.report_all(&Findings::new(source, simulation.diagnostics().to_vec()));
            let table = is_table(arguments).then_some(table);
            print_all(simulation, table.as_ref(), arguments.changes, &mut reporter);
        }
        Ok(None) => {}
        Err(message) => reporter.fail(&message),
    }
    reporter.conclude()
}

fn setup(arguments: &SimulateArgs) -> Result<Setup, String> {
    let TrainingInputs { epochs, steps_per_epoch, .. } = arguments.training;
    Ok(Setup {
        epochs,
        program: Program { steps_per_epoch, ..Program::default() },
        metrics: arguments.training.metrics()?.unwrap_or_default(),
        per: match arguments.per {
            Every::Epoch => Per::Epoch,
            Every::Step => Per::Step,
        },
    })
}

/// Whether the records are written as a table.
fn is_table(arguments: &SimulateArgs) -> bool {
    match arguments.format {
        Some(SimulateFormat::Table) => true,
        Some(SimulateFormat::Json) => false,
        None => !arguments.changes && stdout().is_terminal(),
    }
}

fn print_all(
    mut simulation: Simulation,
    table: Option<&RecordTable>,
    only_changes: bool,
    reporter: &mut Reporter<'_>,
) {
    let mut remarks = Vec::new();
    let mut before: Option<Record> = None;
    reporter.print_with(|out| {
        if let Some(table) = table {
            table.begin(out)?;
        }
        loop {
            let record = simulation.next();
            remarks.extend(simulation.notes().iter().map(|note| format!("note: {note}")));
            let Some(record) = record else { return Ok(()) };
            if let Some(table) = table {
                table.write(&record, out)?;
                continue;
            }
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
