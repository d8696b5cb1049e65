//! `freeze describe`: a `.model.json` file from a checkpoint.

use std::path::{Path, PathBuf};

use freeze_dsl::model::{Model, ModelError, Role};

use crate::Outcome;
use crate::input::note_model;
use crate::model::equal_tensors::{EqualTensors, equal_tensors};
use crate::reporter::{Options, Reporter, Stream};

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  freeze describe resnet18.safetensors -o resnet18.model.json\n\n\
                        A policy with `model \"resnet18.model.json\";` is then checked by the \
                        compiler, before the program has run. What a checkpoint cannot say is \
                        printed on standard error."
)]
pub(crate) struct DescribeArgs {
    /// A `.safetensors` file, the `.safetensors.index.json` file of its shards, or a folder with
    /// either
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// The file to write; without it, the description is printed
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// Prints or writes the description, and remarks on what the checkpoint does not say.
pub(crate) fn run(arguments: &DescribeArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    note_model(&arguments.checkpoint, &reporter);
    match describe(&arguments.checkpoint) {
        Err(error) => reporter.fail(&format!("cannot read the model: {error}")),
        Ok((model, remarks)) => {
            write(&model, arguments.output.as_deref(), &mut reporter);
            for remark in remarks {
                reporter.remark(&format!("note: {remark}"));
            }
        }
    }
    reporter.conclude()
}

fn write(model: &Model, output: Option<&Path>, reporter: &mut Reporter<'_>) {
    match model.to_json() {
        Ok(text) => reporter.print_to(output, &format!("{text}\n")),
        Err(error) => reporter.fail(&format!("cannot write the description: {error}")),
    }
}

/// The model of a checkpoint, with the ties that its numbers show, and what it does not say.
fn describe(checkpoint: &Path) -> Result<(Model, Vec<String>), ModelError> {
    let model = Model::load(checkpoint)?;
    let EqualTensors { ties, others } = equal_tensors(&model, checkpoint)?;
    let mut remarks = Vec::new();
    let mut tensors = model.tensors().to_vec();
    for tensor in &mut tensors {
        if let Some(first) = ties.get(&tensor.name) {
            tensor.same_as = Some(first.clone());
            remarks.push(format!(
                "`{}` and `{first}` have the same numbers: they are described as one tensor under \
                 two names",
                tensor.name
            ));
        }
    }
    // A tensor may stand before the one that it is tied to only if that is no tensor of its own.
    let is_network_order = model.is_network_order();
    let mut model = if ties.is_empty() { model } else { Model::new(tensors)? };
    if is_network_order {
        model = model.in_network_order();
    }
    if let Some((one, other)) = others.first() {
        remarks.push(format!(
            "{} pairs of tensors have the same numbers, such as `{one}` and `{other}`: described as \
             tensors of their own, since copies have the same numbers too",
            others.len()
        ));
    }
    let has_roles = checkpoint.to_string_lossy().ends_with(".model.json");
    remarks.extend(unknown(&model, has_roles));
    Ok((model, remarks))
}

/// What a checkpoint does not say. `has_roles` is whether it says which tensors are buffers.
fn unknown(model: &Model, has_roles: bool) -> Vec<String> {
    let count = |role: Role| model.tensors().iter().filter(|tensor| tensor.role == role).count();
    let how = if has_roles {
        ""
    } else {
        ", by their names and types; a buffer with the name of a parameter is described as a parameter"
    };
    let (parameters, buffers) = (count(Role::Parameter), count(Role::Buffer));
    let mut remarks = vec![format!("parameters: {parameters}, buffers: {buffers}{how}")];
    if model.tensors().iter().all(|tensor| tensor.same_as.is_none()) {
        remarks.push(
            "no tied parameters are known: a checkpoint has a tied tensor once, and its other \
             names may be missing"
                .to_owned(),
        );
    }
    if !model.is_network_order() {
        remarks.push(
            "the order of the network is not known: FRZ0503 is not checked against this \
             description"
                .to_owned(),
        );
    }
    remarks
}
