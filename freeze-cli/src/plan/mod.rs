//! `freeze plan`: what each rule of a policy does, as a table and as a picture.

mod figure;
mod names;
mod page;
mod scale;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use freeze_dsl::clock::Program;
use freeze_dsl::diagnostic::visible;
use freeze_dsl::picture::{Picture, PictureError, PictureSetup, RowLimits};
use freeze_dsl::plan::Plan;
use freeze_dsl::simulate::Table;

use crate::Outcome;
use crate::checker::CheckInputs;
use crate::reporter::{Options, Reporter, Stream};
use crate::training::{self, TrainingInputs, with_option};
use crate::watch::WatchArgs;
use figure::Figure;

pub(crate) use scale::shown;

/// The rows of a picture that does not unfold.
const ROWS: RowLimits = RowLimits { shown: 64, all: 64 };
/// The rows of a picture as text.
const LINES: RowLimits = RowLimits { shown: 40, all: 40 };
/// The columns of a picture that is no text.
const COLUMNS: u64 = 160;
/// How wide a picture as text is where nothing says how wide it may be.
const WIDTH: usize = 80;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  freeze plan resnet.freeze --model resnet18.safetensors\n  \
                        freeze plan resnet.freeze --format svg -o resnet.svg\n  \
                        freeze plan resnet.freeze --assume top=9 --format html -o resnet.html\n\n\
                        The table has a row for each rule. On a terminal, the picture follows it: \
                        modules down, time across, and a shade for the learning rate. Moments that \
                        metrics decide are at their latest, or assumed to share the run evenly, \
                        unless `--metrics` or `--assume` says otherwise; the HTML page has a slider \
                        for each. `freeze schema plan` prints the schema of the JSON.")]
pub(crate) struct PlanArgs {
    /// The policy; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    inputs: CheckInputs,
    #[command(flatten)]
    training: TrainingInputs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// What to print
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    format: PlanFormat,
    /// The file to write in place of standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Draw the picture as if the metrics of a rule let it fire at the start of an epoch; again for
    /// its next firing
    #[arg(long, value_name = "RULE=EPOCH", value_parser = assumption, conflicts_with = "metrics")]
    assume: Vec<(String, u64)>,
    /// Print the picture as text in so many characters a line, on a terminal or not
    #[arg(long, value_name = "N")]
    width: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PlanFormat {
    /// A row for each rule; on a terminal also the picture
    Table,
    /// The same as JSON, with every parameter
    Json,
    /// The picture as SVG
    Svg,
    /// The picture as a page that unfolds
    Html,
}

/// `top=9`
fn assumption(written: &str) -> Result<(String, u64), String> {
    let (rule, epoch) = written.rsplit_once('=').ok_or("expected a rule, `=` and an epoch")?;
    let epoch = epoch.trim();
    let number = epoch.parse().map_err(|_| format!("`{epoch}` is not an epoch"))?;
    Ok((rule.trim().to_owned(), number))
}

/// Prints the plan on standard output or into a file, and findings on standard error.
pub(crate) fn run(arguments: &PlanArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    if !arguments.assume.is_empty() && !has_picture(arguments) {
        reporter
            .fail("`--assume` is for a picture: pass `--width`, `--format svg` or `--format html`");
        return reporter.conclude();
    }
    arguments.training.note_input(&reporter);
    let written = training::plan("plan", &arguments.file, &arguments.inputs, &mut reporter)
        .and_then(|plan| {
            let metrics = arguments.training.metrics()?;
            plan.map(|plan| text(&plan, arguments, metrics, &mut reporter)).transpose()
        });
    match written {
        Ok(Some(text)) => reporter.print_to(arguments.output.as_deref(), &text),
        Ok(None) => {}
        Err(message) => reporter.fail(&message),
    }
    reporter.conclude()
}

/// What is printed.
fn text(
    plan: &Plan,
    arguments: &PlanArgs,
    metrics: Option<Table>,
    reporter: &mut Reporter<'_>,
) -> Result<String, String> {
    match arguments.format {
        PlanFormat::Table => {
            let mut text = plan.table(width(arguments).unwrap_or(usize::MAX));
            if let Some(width) = width(arguments) {
                let columns = text::columns(width) as u64;
                match picture(plan, arguments, metrics, columns, false) {
                    Ok(picture) => {
                        text.push('\n');
                        let figure = Figure::new(plan, picture, LINES);
                        text.push_str(&text::picture(&figure, width));
                    }
                    // The table needs none of what the picture lacks.
                    Err(PictureError::Simulate(error)) => {
                        reporter.remark(&format!("note: no picture: {}", with_option(error)));
                    }
                    Err(error) => return Err(error.to_string()),
                }
            }
            Ok(visible(&text).into_owned())
        }
        PlanFormat::Json => {
            let json = serde_json::to_string_pretty(plan).map_err(|error| error.to_string())?;
            Ok(json + "\n")
        }
        PlanFormat::Svg => {
            let picture =
                picture(plan, arguments, metrics, COLUMNS, false).map_err(|it| in_words(&it))?;
            Ok(svg::picture(&Figure::new(plan, picture, ROWS)))
        }
        PlanFormat::Html => {
            let picture =
                picture(plan, arguments, metrics, COLUMNS, true).map_err(|it| in_words(&it))?;
            page::page(plan, &picture)
        }
    }
}

/// The picture of the plan, or why there is none.
fn picture(
    plan: &Plan,
    arguments: &PlanArgs,
    metrics: Option<Table>,
    columns: u64,
    has_choices: bool,
) -> Result<Picture, PictureError> {
    let TrainingInputs { epochs, steps_per_epoch, .. } = arguments.training;
    let setup = PictureSetup {
        epochs,
        program: Program { steps_per_epoch, ..Program::default() },
        metrics,
        assumed: arguments.assume.clone(),
        columns,
        has_choices,
    };
    Picture::new(plan, setup)
}

fn in_words(error: &PictureError) -> String {
    match error {
        PictureError::Simulate(error) => with_option(*error),
        error => error.to_string(),
    }
}

fn has_picture(arguments: &PlanArgs) -> bool {
    match arguments.format {
        PlanFormat::Svg | PlanFormat::Html => true,
        PlanFormat::Table => width(arguments).is_some(),
        PlanFormat::Json => false,
    }
}

/// How wide the picture as text is; `None` for none.
fn width(arguments: &PlanArgs) -> Option<usize> {
    let of_terminal = || {
        let is_seen = arguments.output.is_none() && stdout().is_terminal();
        is_seen.then(terminal_width)
    };
    arguments.width.map(usize::from).or_else(of_terminal)
}

/// How many characters a line of the terminal has.
pub(crate) fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0))
}

/// A tick in words.
fn moment(picture: &Picture, tick: u64) -> String {
    let axis = picture.axis;
    let (epoch, step) = (tick / axis.ticks_per_epoch, tick % axis.ticks_per_epoch);
    if step == 0 { format!("epoch {epoch}") } else { format!("epoch {epoch}, step {tick}") }
}
