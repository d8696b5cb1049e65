//! `freeze model diff`: which tensors of two models differ.

use std::path::{Path, PathBuf};

use freeze_dsl::diagnostic::visible_name;
use freeze_dsl::model::{Model, ModelDifference};
use serde::Serialize;

use super::OutputFormat;
use crate::Outcome;
use crate::reporter::{Options, Reporter, Stream};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze model diff old.safetensors new.model.json\n\n\
                        A line is a tensor: `-` only the first model has it, `+` only the second, \
                        `~` it has another shape, type or role.\n\n\
                        Exit status: 0 the models are equal, 1 they differ, 2 the command failed.")]
pub(crate) struct DiffArgs {
    /// A model
    #[arg(value_name = "A")]
    before: PathBuf,
    /// Another model
    #[arg(value_name = "B")]
    after: PathBuf,
    /// How to print the differences
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    format: OutputFormat,
}

/// The differences between two models.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ModelDiff {
    /// The version of this format.
    #[schemars(extend("const" = 1))]
    format: u32,
    /// Tensors that only one model has, then those that differ, in the order of the first model.
    differences: Vec<ModelDifference>,
}

/// Prints the differences on standard output.
pub(crate) fn run(arguments: &DiffArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let mut load = |path: &Path| {
        Model::load(path)
            .map_err(|error| reporter.fail(&format!("cannot read the model: {error}")))
            .ok()
    };
    let (Some(before), Some(after)) = (load(&arguments.before), load(&arguments.after)) else {
        return reporter.conclude();
    };
    let differences = before.differences(&after);
    let differ = !differences.is_empty();
    match arguments.format {
        OutputFormat::Human => {
            let line = |difference: &ModelDifference| {
                format!("{}\n", visible_name(&difference.to_string()))
            };
            reporter.print(&differences.iter().map(line).collect::<String>());
            if let Some(summary) = summary(&differences) {
                reporter.remark(&summary);
            }
            if let Some(prefix) = prefix(&before, &after) {
                reporter.remark(&prefix);
            }
        }
        OutputFormat::Json => {
            let diff = ModelDiff { format: 1, differences };
            reporter.print_with(|out| {
                serde_json::to_writer(&mut *out, &diff)?;
                out.write_all(b"\n")
            });
        }
    }
    let outcome = reporter.conclude();
    if differ { outcome.max(Outcome::Problems) } else { outcome }
}

fn summary(differences: &[ModelDifference]) -> Option<String> {
    let count = |is: fn(&ModelDifference) -> bool| differences.iter().filter(|it| is(it)).count();
    let counts = [
        (count(|it| matches!(it, ModelDifference::Removed { .. })), "only in the first model"),
        (count(|it| matches!(it, ModelDifference::Added { .. })), "only in the second"),
        (
            count(|it| matches!(it, ModelDifference::Changed { .. })),
            "with other shapes, types or roles",
        ),
    ];
    let parts = counts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    (!parts.is_empty()).then(|| format!("tensors: {}", parts.join(", ")))
}

/// The prefix that the names of one model have and those of the other lack.
fn prefix(before: &Model, after: &Model) -> Option<String> {
    let names = |model: &'_ Model| -> Vec<String> {
        let mut names: Vec<String> = model.tensors().iter().map(|it| it.name.clone()).collect();
        names.sort_unstable();
        names
    };
    let (before, after) = (names(before), names(after));
    let longer_than = |short: &[String], long: &[String]| {
        let prefix = long.first()?.strip_suffix(short.first()?.as_str())?.to_owned();
        let fits = short.len() == long.len()
            && short.iter().zip(long).all(|(short, long)| *long == format!("{prefix}{short}"));
        (fits && !prefix.is_empty()).then_some(prefix)
    };
    let note = |prefix: String, which: &str| {
        format!("note: the names are equal but for `{prefix}` before those of the {which} model")
    };
    longer_than(&before, &after)
        .map(|prefix| note(prefix, "second"))
        .or_else(|| longer_than(&after, &before).map(|prefix| note(prefix, "first")))
}
