//! `freeze schema`: schemas of the JSON that the command prints and that freeze writes.

use freeze_dsl::ast::Tree;
use freeze_dsl::model::Model;
use freeze_dsl::plan::Plan;
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Record, RecordChanges};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};

use crate::Outcome;
use crate::model::{ModelDiff, ModelTree};
use crate::reporter::{Finding, Options, Reporter, Stream};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze schema model > model.schema.json\n\n\
                        The schemas follow draft 2020-12. Without KIND, one schema is printed that \
                        accepts all kinds of JSON; it defines each kind in its `$defs`.")]
pub(crate) struct SchemaArgs {
    /// The kind of JSON
    #[arg(value_enum)]
    kind: Option<Kind>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// A finding: one line of `--message-format json`
    Finding,
    /// The trainable parameters at one moment: one line of `freeze simulate`
    Record,
    /// What changed since the moment before: most lines of `freeze simulate --changes`
    Changes,
    /// A model: a `.model.json` file
    Model,
    /// A policy with the values that a program sets
    Policy,
    /// The syntax tree of a policy: the output of `freeze ast`
    Ast,
    /// A plan: what each rule of a policy does to a model
    Plan,
    /// A model's modules as a tree: the output of `freeze model show --format json`
    Tree,
    /// The differences between two models: the output of `freeze model diff --format json`
    Diff,
}

/// Prints the schema on standard output.
pub(crate) fn run(arguments: &SchemaArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let schema = match arguments.kind {
        Some(Kind::Finding) => of::<Finding<'_>>(),
        Some(Kind::Record) => of::<Record>(),
        Some(Kind::Changes) => of::<RecordChanges>(),
        Some(Kind::Model) => of::<Model>(),
        Some(Kind::Policy) => of::<Policy>(),
        Some(Kind::Ast) => of::<Tree>(),
        Some(Kind::Plan) => of::<Plan>(),
        Some(Kind::Tree) => of::<ModelTree>(),
        Some(Kind::Diff) => of::<ModelDiff>(),
        None => of_all(),
    };
    reporter.print(&format!("{:#}\n", schema.as_value()));
    reporter.conclude()
}

/// A generator of schemas for written JSON, not for JSON that is read.
fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

fn of<T: JsonSchema>() -> Schema {
    generator().into_root_schema_for::<T>()
}

fn of_all() -> Schema {
    let mut generator = generator();
    let any = [
        generator.subschema_for::<Finding<'_>>(),
        generator.subschema_for::<Record>(),
        generator.subschema_for::<RecordChanges>(),
        generator.subschema_for::<Model>(),
        generator.subschema_for::<Policy>(),
        generator.subschema_for::<Tree>(),
        generator.subschema_for::<Plan>(),
        generator.subschema_for::<ModelTree>(),
        generator.subschema_for::<ModelDiff>(),
    ];
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What freeze prints and writes as JSON",
        "anyOf": any,
        "$defs": generator.take_definitions(true),
    })
}
