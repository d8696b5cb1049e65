//! A configuration of Lightning's command line that has finetuning-scheduler's callbacks.

use std::path::Path;

use super::policy_text::PolicyText;
use super::yaml::Yaml;

/// The settings of finetuning-scheduler beside its schedule.
pub(super) struct Callbacks<'y> {
    /// `monitor`, `patience`, `min_delta`, `mode` of the early stopping that ends phases.
    pub(super) early_stopping: Option<&'y Yaml>,
    /// The checkpoints that phases start from.
    pub(super) checkpoint: Option<&'y Yaml>,
    /// The arguments of the callback itself.
    pub(super) scheduler: &'y Yaml,
    /// `{class_path, init_args}` of the optimizer of phase 0.
    pub(super) optimizer: Option<&'y Yaml>,
    /// The configuration of the learning-rate scheduler of phase 0.
    pub(super) lr_scheduler: Option<&'y Yaml>,
    pub(super) max_epochs: Option<f64>,
}

/// A configuration without anything.
static NOTHING: Yaml = Yaml::Null;

/// Whether a configuration has the callback.
pub(super) fn has_callback(config: &Yaml) -> bool {
    callback(config, "FinetuningScheduler").is_some()
}

/// The arguments of a callback.
fn callback<'y>(config: &'y Yaml, class: &str) -> Option<&'y Yaml> {
    let callbacks = config.at(&["trainer", "callbacks"]).or_else(|| config.get("callbacks"))?;
    let one = std::slice::from_ref(callbacks);
    let all = if let Yaml::Map(_) = callbacks { one } else { callbacks.items() };
    let is_class = |it: &&Yaml| {
        let path = it.get("class_path").and_then(Yaml::text).unwrap_or_default();
        path.rsplit('.').next() == Some(class)
    };
    all.iter().find(is_class).map(|it| it.get("init_args").unwrap_or(&NOTHING))
}

impl<'y> Callbacks<'y> {
    /// Those of a schedule alone: the defaults.
    pub(super) fn of_schedule() -> Callbacks<'static> {
        Callbacks {
            early_stopping: None,
            checkpoint: None,
            scheduler: &NOTHING,
            optimizer: None,
            lr_scheduler: None,
            max_epochs: None,
        }
    }

    /// Those of a configuration.
    pub(super) fn of_config(config: &'y Yaml) -> Result<Self, String> {
        let of = |classes: [&str; 2]| classes.iter().find_map(|class| callback(config, class));
        let in_model = |key| config.at(&["model", "init_args", key]);
        let scheduler = callback(config, "FinetuningScheduler").unwrap_or(&NOTHING);
        // The example module of finetuning-scheduler has its scheduler and `pl_lrs_cfg` side by side.
        let beside = in_model("lr_scheduler_init").and(config.at(&["model", "init_args"]));
        let trainer = config.get("trainer").unwrap_or(&NOTHING);
        Ok(Self {
            early_stopping: of(["FTSEarlyStopping", "EarlyStopping"]),
            checkpoint: of(["FTSCheckpoint", "ModelCheckpoint"]),
            scheduler,
            optimizer: config.get("optimizer").or_else(|| in_model("optimizer_init")),
            lr_scheduler: config.get("lr_scheduler").or(beside),
            max_epochs: trainer.number_of("max_epochs")?.filter(|epochs| *epochs > 0.0),
        })
    }

    /// The schedule that the configuration has, or names.
    ///
    /// # Errors
    /// If it names a file that cannot be read.
    pub(super) fn schedule(
        &self,
        file: &Path,
        text: &mut PolicyText,
    ) -> Result<Option<Yaml>, String> {
        let Some(schedule) = self.scheduler.get("ft_schedule") else { return Ok(None) };
        let Some(named) = schedule.text() else { return Ok(Some(schedule.clone())) };
        let folder = file.parent().unwrap_or(Path::new(""));
        let name = Path::new(&named).file_name().unwrap_or_default();
        // Lightning's paths are relative to where it was started.
        let places = [Path::new(&named).to_owned(), folder.join(&named), folder.join(name)];
        let Some(place) = places.iter().find(|place| place.is_file()) else {
            return Err(format!(
                "its schedule `{named}` is neither there nor beside it: import the schedule itself"
            ));
        };
        text.note(format!("The schedule is that of {named}."));
        super::read(place).map(Some).map_err(|error| format!("{named}: {error}"))
    }
}
