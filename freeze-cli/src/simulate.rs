//! `freeze simulate`: what a policy does over a whole training, a line an epoch or a step.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use freeze_dsl::analyze;
use freeze_dsl::clock::Program;
use freeze_dsl::diagnostic::{Diagnostic, Findings, Severity, render};
use freeze_dsl::model::Model;
use freeze_dsl::plan::Plan;
use freeze_dsl::simulate::{Per, Setup, SimulateError, Simulation, Table, simulate};

use crate::check::{beside, read, say, style};
use crate::{Color, Outcome};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze simulate resnet.freeze --model resnet18.safetensors \
                        --epochs 20 --metrics val.csv\n\n\
                        Each line is a JSON object. The table of metrics is CSV: a column `epoch`, \
                        then one a metric,\nwith the values observed at the end of that epoch.")]
pub(crate) struct Arguments {
    /// The policy's file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The model, a `.safetensors` or `.model.json` file, in place of the one that the policy
    /// names
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// How many epochs there are, in place of the policy's `run`
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

/// Why there is no simulation: what to say of it, if that is not said yet.
enum Failure {
    Found,
    Failed(String),
}

/// What is printed, and what the exit status says.
pub(crate) fn run(arguments: &Arguments, color: Color) -> Outcome {
    let started = plan(arguments, color).and_then(|(plan, outcome)| {
        let simulation = simulate(plan, setup(arguments)?).map_err(missing)?;
        print_all(simulation)?;
        Ok(outcome)
    });
    match started {
        Ok(outcome) => outcome,
        Err(Failure::Found) => Outcome::Found,
        Err(Failure::Failed(message)) => {
            say(&format!("error: {message}"));
            Outcome::Failed
        }
    }
}

/// The policy on its model. Errors end the command; warnings are findings, and end nothing.
fn plan(arguments: &Arguments, color: Color) -> Result<(Plan, Outcome), Failure> {
    let file = &arguments.file;
    let source = read(file)
        .map_err(|error| Failure::Failed(format!("cannot read `{}`: {error}", file.display())))?;
    let analysis = analyze(source);
    let path = match (&arguments.model, analysis.model()) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(named)) => Some(beside(file, named)),
        (None, None) => None,
    };
    let model = match path {
        Some(path) => Some(
            Model::load(path)
                .map_err(|error| Failure::Failed(format!("cannot read the model: {error}")))?,
        ),
        None => None,
    };
    let analysis = match &model {
        Some(model) => analysis.against(model),
        None => analysis,
    };
    let found = print_findings(&analysis.findings, color);
    let Some(policy) = analysis.policy else { return Err(Failure::Found) };
    let Some(model) = model else {
        return Err(Failure::Failed(
            "no model is named: give one with `--model`, or write `model \"…\";` in the policy"
                .to_owned(),
        ));
    };
    let plan = policy.plan(&model).map_err(|_told| Failure::Found)?;
    Ok((plan, if found { Outcome::Found } else { Outcome::Clean }))
}

/// Prints errors and warnings; tells whether there were any.
fn print_findings(findings: &Findings, color: Color) -> bool {
    let told = |finding: &&Diagnostic| finding.severity() != Severity::Note;
    let count = findings.diagnostics().iter().filter(told).count();
    for finding in findings.diagnostics().iter().filter(told).take(Findings::SHOWN) {
        say(&format!("{}\n", render(finding, findings.source(), style(color))));
    }
    if count > Findings::SHOWN {
        say(&format!("… and {} more findings\n", count - Findings::SHOWN));
    }
    count > 0
}

fn setup(arguments: &Arguments) -> Result<Setup, Failure> {
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

fn table(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Failed(format!("cannot read `{}`: {error}", path.display())))?;
    Table::from_csv(&text).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

/// What is missing, with the option that gives it.
fn missing(error: SimulateError) -> Failure {
    let option = match error {
        SimulateError::NoLength => "; give `--epochs`",
        SimulateError::NoSteps(_) => "; give `--steps-per-epoch`",
        SimulateError::EmptyEpoch => "",
    };
    Failure::Failed(format!("{error}{option}"))
}

fn print_all(simulation: Simulation) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let print = || {
        for record in simulation {
            serde_json::to_writer(&mut out, &record)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    match print() {
        // A reader that has seen enough is no reason to fail.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}
