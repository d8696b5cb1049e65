//! `freeze import`: policies from the schedules and options of other tools.

mod axolotl;
mod cover;
mod finetuning_scheduler;
mod lightning;
mod llama_factory;
mod lr_schedulers;
mod optimizers;
mod pattern;
mod policy_text;
mod selection;
mod trainer;
mod yaml;

use std::path::{Path, PathBuf};

use freeze_dsl::model::Model;
use freeze_dsl::source::Source;
use freeze_dsl::{Draft, text_file};

use crate::Outcome;
use crate::input::{self, load};
use crate::reporter::{Options, Reporter, Stream};
use policy_text::PolicyText;
use selection::Selection;
use yaml::Yaml;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  freeze import schedule.yaml --model deberta -o schedule.freeze\n\n\
                        Reads schedules of finetuning-scheduler and configurations of Lightning \
                        that use it, and the freezing options of LLaMA-Factory and Axolotl. What \
                        the policy does otherwise than the tool is a comment in it. With a model, \
                        regular expressions become paths of that model, and the policy is checked."
)]
pub(crate) struct ImportArgs {
    /// A YAML file of the other tool; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The model that is trained: a `.safetensors`, `.safetensors.index.json` or `.model.json` file,
    /// or a folder with such
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// The tool that the file is for; found out by default
    #[arg(long, value_enum, value_name = "TOOL")]
    from: Option<Tool>,
    /// The file to write; without it, the policy is printed
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// A tool whose files are read.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Tool {
    /// finetuning-scheduler, a callback of Lightning
    FinetuningScheduler,
    /// LLaMA-Factory
    LlamaFactory,
    /// Axolotl
    Axolotl,
}

impl Tool {
    /// The tool that a file is for, by its keys.
    fn of(config: &Yaml) -> Option<Self> {
        let has = |key| config.get(key).is_some();
        if finetuning_scheduler::is_schedule(config) || lightning::has_callback(config) {
            Some(Self::FinetuningScheduler)
        } else if has("finetuning_type")
            || config.keys().any(|key| key.starts_with("freeze_trainable_"))
            || has("freeze_extra_modules")
        {
            Some(Self::LlamaFactory)
        } else if has("unfrozen_parameters") || has("freeze_mm_modules") {
            Some(Self::Axolotl)
        } else {
            None
        }
    }
}

impl Tool {
    /// Whether a file can be one of this tool.
    fn may_have(self, config: &Yaml) -> bool {
        let has = |key| config.get(key).is_some();
        match self {
            Self::FinetuningScheduler => Self::of(config) == Some(self),
            Self::LlamaFactory => has("finetuning_type") || has("model_name_or_path"),
            Self::Axolotl => {
                ["base_model", "unfrozen_parameters", "freeze_mm_modules"].into_iter().any(has)
            }
        }
    }

    /// What its files have.
    const fn signs(self) -> &'static str {
        match self {
            Self::FinetuningScheduler => {
                "phases `0:`, `1:`, … with `params`, and no callback of finetuning-scheduler"
            }
            Self::LlamaFactory => "`finetuning_type`",
            Self::Axolotl => "`base_model`, `unfrozen_parameters` or `freeze_mm_modules`",
        }
    }
}

/// Prints or writes the policy, and reports what is wrong with it.
pub(crate) fn run(arguments: &ImportArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let model = arguments.model.as_deref().and_then(|path| load(path, &mut reporter));
    if reporter.has_failed() {
        return reporter.conclude();
    }
    match import(arguments, model.as_ref()) {
        Err(message) => reporter.fail(&format!("{}: {message}", arguments.file.display())),
        Ok(text) => {
            reporter.note_input(&arguments.file);
            reporter.print_to(arguments.output.as_deref(), &text);
            report(text, arguments, model.as_ref(), &mut reporter);
        }
    }
    reporter.conclude()
}

fn import(arguments: &ImportArgs, model: Option<&Model>) -> Result<String, String> {
    let file = &arguments.file;
    let source = input::read(file).map_err(|error| error.to_string())?;
    let config = Yaml::parse(source.text())?;
    let tool = match arguments.from {
        Some(tool) if tool.may_have(&config) => tool,
        Some(tool) => return Err(format!("it has no {}", tool.signs())),
        None => Tool::of(&config).ok_or(
            "neither a schedule of finetuning-scheduler (phases `0:`, `1:`, … with `params`), nor a \
             configuration of Lightning with its callback, of LLaMA-Factory (`finetuning_type: freeze`) or \
             of Axolotl (`unfrozen_parameters`)",
        )?,
    };
    let name = Path::new(source.name()).file_name().unwrap_or_default().to_string_lossy();
    let mut text = PolicyText::new(&name);
    let selection = Selection::new(model);
    match tool {
        Tool::FinetuningScheduler => {
            finetuning_scheduler::import(&config, file, &selection, &mut text)?;
        }
        Tool::LlamaFactory => {
            llama_factory::import(&config, arguments.model.as_deref(), &selection, &mut text)?;
        }
        Tool::Axolotl => axolotl::import(&config, &selection, &mut text)?,
    }
    text.finish()
}

/// A file that another file names.
fn read(file: &Path) -> Result<Yaml, String> {
    let text = text_file::read(file).map_err(|error| error.to_string())?;
    Yaml::parse(&text)
}

/// Reports the findings of the policy that was written.
fn report(
    text: String,
    arguments: &ImportArgs,
    model: Option<&Model>,
    reporter: &mut Reporter<'_>,
) {
    let name = match &arguments.output {
        Some(path) => path.display().to_string(),
        None => "<imported>".to_owned(),
    };
    let draft = Draft::read(Source::named(name, text));
    let checked = match model {
        Some(model) => draft.check_against(model),
        None => draft.check(),
    };
    reporter.report_problems(&checked.findings);
    if model.is_none() {
        reporter.remark("note: no model given: names and regular expressions were not looked up");
    }
}
