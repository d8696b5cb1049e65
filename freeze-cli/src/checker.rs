//! Checks policies with what the command line and `freeze.toml` say about them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use freeze_dsl::diagnostic::Findings;
use freeze_dsl::model::Model;
use freeze_dsl::plan::Plan;
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;
use freeze_dsl::{Draft, OverrideError};

use crate::config::{Configs, FileConfig};
use crate::input;
use crate::levels::LevelArgs;
use crate::reporter::Reporter;

/// What a policy is checked with.
#[derive(clap::Args)]
pub(crate) struct CheckInputs {
    /// The model to check against: a `.safetensors`, `.safetensors.index.json` or `.model.json`
    /// file, or a folder with such; replaces the policy's own `model` and those of `freeze.toml`
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Set a number that a policy defines with `let`; may be repeated
    #[arg(long = "set", value_name = "NAME=NUMBER", value_parser = number)]
    numbers: Vec<(String, f64)>,
    #[command(flatten)]
    levels: LevelArgs,
}

/// `base=1e-3`
fn number(written: &str) -> Result<(String, f64), String> {
    let parts = written.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
    let (name, value) = parts
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .ok_or("expected a name, `=` and a number")?;
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.to_owned(), number)),
        Ok(_) if value.contains(|sign: char| sign.is_ascii_digit()) => {
            Err(format!("`{value}` is too large"))
        }
        Ok(_) => Err(format!("`{value}` is not a finite number")),
        Err(_) => Err(match value.replace(['_', ','], "").parse::<f64>() {
            Ok(number) if number.is_finite() => {
                format!(
                    "`{value}` is not a number: digits are written without separators, as in `{number}`"
                )
            }
            _ => format!("`{value}` is not a number"),
        }),
    }
}

/// A policy that was checked, and the model that it was checked against.
pub(crate) struct CheckedPolicy {
    /// The policy, if none of its findings is an error.
    pub(crate) policy: Option<Policy>,
    /// All findings, as serious as they are by themselves; the reporter applies levels.
    pub(crate) findings: Findings,
    /// The model: that of `--model`, else the one that the policy names, else that of `freeze.toml`.
    pub(crate) model: Option<Arc<Model>>,
    /// The effect of every rule, if there is a model and no finding is an error.
    pub(crate) plan: Option<Plan>,
}

/// Checks policies, and reads each model and each `freeze.toml` once.
pub(crate) struct Checker<'i> {
    inputs: &'i CheckInputs,
    configs: Configs,
    /// The models that were read; `None` if one cannot be read, which was reported.
    models: HashMap<PathBuf, Option<Arc<Model>>>,
    /// Whether a policy may lack a number that is set, as long as another one has it.
    shares_numbers: bool,
    /// The numbers that some policy has.
    taken: HashSet<String>,
}

impl<'i> Checker<'i> {
    /// A checker with these inputs. `None` if the model of `--model` cannot be read, which is
    /// reported: without it, findings could be wrong.
    pub(crate) fn new(inputs: &'i CheckInputs, reporter: &mut Reporter<'_>) -> Option<Self> {
        let mut checker = Self {
            inputs,
            configs: Configs::default(),
            models: HashMap::new(),
            shares_numbers: false,
            taken: HashSet::new(),
        };
        if let Some(path) = &inputs.model {
            checker.load(path, reporter)?;
        }
        Some(checker)
    }

    /// For the policies of a folder: a number that is set need not be in all of them.
    pub(crate) const fn share_numbers(&mut self) {
        self.shares_numbers = true;
    }

    /// Reports the numbers that are set and that no policy has, where these share them.
    pub(crate) fn report_unknown_numbers(&self, reporter: &mut Reporter<'_>) {
        let names = self.inputs.numbers.iter().map(|(name, _)| name);
        for name in names.filter(|name| self.shares_numbers && !self.taken.contains(*name)) {
            reporter.fail(&format!("none of the policies defines a number `{name}`"));
        }
    }

    /// Reads and checks a policy. From now on, the reporter has the levels that hold for it. Reports
    /// files that cannot be read, and checks the rest.
    pub(crate) fn check(
        &mut self,
        file: &Path,
        reporter: &mut Reporter<'_>,
    ) -> Option<CheckedPolicy> {
        let source = input::policy(file, reporter)?;
        self.check_source(file, source, reporter)
    }

    /// Checks a text as that of a file, in the same way.
    pub(crate) fn check_source(
        &mut self,
        file: &Path,
        source: Source,
        reporter: &mut Reporter<'_>,
    ) -> Option<CheckedPolicy> {
        let config = self.config(file, reporter)?;
        let name = source.name().to_owned();
        let mut draft = Draft::read(source);
        for (number, value) in &self.inputs.numbers {
            match draft.clone().with(number, *value) {
                Ok(with) => {
                    draft = with;
                    self.taken.insert(number.clone());
                }
                Err(OverrideError::Unknown(..)) if self.shares_numbers => {}
                Err(error) => reporter.fail(&format!("{name}: {error}")),
            }
        }
        let own = || config.model_of(file, draft.model().map(|named| &*named.value));
        let model = self.inputs.model.clone().or_else(own);
        let model = model.and_then(|path| self.load(&path, reporter));
        let (checked, plan) = match &model {
            Some(model) => draft.plan_against(model),
            None => (draft.check(), None),
        };
        Some(CheckedPolicy { policy: checked.policy, findings: checked.findings, model, plan })
    }

    /// What `freeze.toml` says about a file. Reports one that cannot be used.
    fn config(&mut self, file: &Path, reporter: &mut Reporter<'_>) -> Option<FileConfig> {
        let config = self.configs.of(file);
        for path in self.configs.paths() {
            reporter.note_input(path);
        }
        match config {
            Ok(config) => {
                reporter.set_levels(self.inputs.levels.0.over(&config.levels));
                Some(config)
            }
            Err(message) => {
                reporter.fail_once(&message);
                None
            }
        }
    }

    /// Reads a model, or reports why it cannot be read.
    fn load(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> Option<Arc<Model>> {
        if let Some(known) = self.models.get(path) {
            return known.clone();
        }
        let model = input::load(path, reporter).map(Arc::new);
        self.models.insert(path.to_owned(), model.clone());
        model
    }
}
