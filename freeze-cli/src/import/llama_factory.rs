//! LLaMA-Factory's `finetuning_type: freeze`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use freeze_dsl::model::{Model, ParamId};

use super::cover;
use super::policy_text::PolicyText;
use super::selection::Selection;
use super::trainer::TrainerKeys;
use super::yaml::Yaml;

const KEYS: TrainerKeys = TrainerKeys {
    epochs: ("num_train_epochs", 3.0),
    scheduler: ("lr_scheduler_type", "linear"),
    optimizer: ("optim", "adamw_torch"),
    lr: Some(5e-5),
    scheduler_arguments: "lr_scheduler_kwargs",
};

/// Segments of names in models of several kinds of input, which three options freeze.
const VISION: [&str; 6] = ["vision_tower", "vision_model", "visual", "audio_tower", "vpm", "apm"];
const PROJECTOR: [&str; 4] =
    ["multi_modal_projector", "merger", "resampler", "audio_projection_layer"];
const LANGUAGE: [&str; 3] = ["language_model", "lm_head", "llm"];

/// The options of `finetuning_type: freeze`.
struct FreezeOptions {
    /// The last layers, or the first ones where it is negative.
    layers: i64,
    modules: Vec<String>,
    extra: Vec<String>,
    is_llama_pro: bool,
}

/// Writes the policy of a configuration.
pub(super) fn import(
    config: &Yaml,
    model_path: Option<&Path>,
    selection: &Selection<'_>,
    text: &mut PolicyText,
) -> Result<(), String> {
    let kind = config.get("finetuning_type").and_then(Yaml::text);
    let targets = match kind.as_deref() {
        Some("full") => full(config, selection, text)?,
        None => {
            return Err(
                "there is no `finetuning_type`, and LLaMA-Factory then trains parameters that it \
                        adds to the model (`lora`); only `freeze` and `full` are read"
                    .to_owned(),
            );
        }
        Some("freeze") => {
            let options = FreezeOptions::new(config)?;
            match selection.model() {
                Some(model) => options.of_model(model, model_path, config, text)?,
                None => options.without_model(text)?,
            }
        }
        Some(other) => {
            return Err(format!(
                "`finetuning_type: {other}` trains parameters that it adds to the model; only \
                 `freeze` and `full` are read"
            ));
        }
    };
    let more = KEYS.import(config, text)?;
    selection.live_statistics("LLaMA-Factory", text);
    let mut actions = vec![format!("train {targets}")];
    actions.extend(more);
    text.statement(format!("start: {}", actions.join(", ")));
    Ok(())
}

/// The segments of names that are frozen whatever else is said.
fn forbidden(config: &Yaml) -> Vec<&'static str> {
    let mut forbidden = Vec::new();
    if config.flag("freeze_vision_tower", true) {
        forbidden.extend(VISION);
    }
    if config.flag("freeze_multi_modal_projector", true) {
        forbidden.extend(PROJECTOR);
    }
    if config.flag("freeze_language_model", false) {
        forbidden.extend(LANGUAGE);
    }
    forbidden
}

fn is_forbidden(name: &str, forbidden: &[&str]) -> bool {
    name.split('.').any(|segment| forbidden.contains(&segment))
}

/// Notes that parts of a model of several kinds of input are frozen.
fn note_forbidden(model: &Model, forbidden: &[&str], text: &mut PolicyText) {
    let found: BTreeSet<&str> = model
        .tensors()
        .iter()
        .flat_map(|tensor| tensor.name.split('.'))
        .filter(|segment| forbidden.contains(segment))
        .collect();
    if !found.is_empty() {
        let found: Vec<String> = found.iter().map(|segment| format!("`{segment}`")).collect();
        text.note(format!(
            "Frozen by `freeze_vision_tower`, `freeze_multi_modal_projector` and \
             `freeze_language_model`: {}. LLaMA-Factory knows these parts by the model's type; here \
             they are known by their names.",
            found.join(", ")
        ));
    }
}

fn full(config: &Yaml, selection: &Selection<'_>, text: &mut PolicyText) -> Result<String, String> {
    let Some(model) = selection.model() else {
        text.note(
            "In models that see or hear, LLaMA-Factory freezes those parts unless \
             `freeze_vision_tower` and `freeze_multi_modal_projector` say otherwise: give the model \
             with `--model`.",
        );
        return Ok("@all".to_owned());
    };
    let forbidden = forbidden(config);
    note_forbidden(model, &forbidden, text);
    wanted(model, |name| !is_forbidden(name, &forbidden))
}

/// The targets whose names are as wanted.
fn wanted(model: &Model, is_wanted: impl Fn(&str) -> bool) -> Result<String, String> {
    let wanted: BTreeSet<ParamId> = cover::ids(model)
        .filter(|(_, parameter)| parameter.names().any(&is_wanted))
        .map(|(id, _)| id)
        .collect();
    if wanted.is_empty() {
        return Err("no parameter of the model is trained".to_owned());
    }
    Ok(cover::targets(model, &wanted))
}

impl FreezeOptions {
    fn new(config: &Yaml) -> Result<Self, String> {
        let list = |key: &str| config.get(key).map(Yaml::texts);
        Ok(Self {
            layers: config.whole_of("freeze_trainable_layers")?.unwrap_or(2),
            modules: list("freeze_trainable_modules").unwrap_or_else(|| vec!["all".to_owned()]),
            extra: list("freeze_extra_modules").unwrap_or_default(),
            is_llama_pro: config.flag("use_llama_pro", false),
        })
    }

    /// The numbers of the layers that train.
    fn layers(&self, count: usize) -> Result<Vec<usize>, String> {
        let given = usize::try_from(self.layers.unsigned_abs()).unwrap_or(usize::MAX);
        if self.is_llama_pro {
            if given == 0 || !count.is_multiple_of(given) {
                return Err(format!(
                    "{count} layers cannot be divided by `freeze_trainable_layers`"
                ));
            }
            let stride = count / given;
            return Ok((stride - 1..count).step_by(stride).collect());
        }
        let given = given.min(count);
        Ok(if self.layers > 0 { (count - given..count).collect() } else { (0..given).collect() })
    }

    fn of_model(
        &self,
        model: &Model,
        model_path: Option<&Path>,
        config: &Yaml,
        text: &mut PolicyText,
    ) -> Result<String, String> {
        let names: Vec<&str> =
            model.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
        self.check_modules(&names)?;
        let (container, counted) = layers_of(&names)
            .ok_or("the model has no numbered layers: it cannot be freeze-tuned")?;
        let count = match model_path.and_then(configured_layers) {
            Some(count) => count,
            None => counted,
        };
        let numbers = self.layers(count)?;
        text.note(format!("The model has {count} layers, `{container}`."));
        let mut parts: Vec<String> = Vec::new();
        for module in &self.modules {
            let module = if module == "all" { "" } else { module };
            parts.extend(numbers.iter().map(|number| format!(".{number}.{module}")));
        }
        parts.extend(self.extra.iter().cloned());
        if !config.flag("freeze_multi_modal_projector", true) {
            parts.extend(PROJECTOR.map(str::to_owned));
        }
        let forbidden = forbidden(config);
        note_forbidden(model, &forbidden, text);
        let is_trained = |name: &str| {
            parts.iter().any(|part| name.contains(part.as_str())) && !is_forbidden(name, &forbidden)
        };
        let is_meant = |name: &str| {
            let number = name.strip_prefix(container).and_then(|it| it.strip_prefix('.'));
            let number = number.and_then(|it| it.split('.').next()?.parse::<usize>().ok());
            let segments = || name.split('.');
            number.is_some_and(|number| numbers.contains(&number))
                || segments().any(|segment| self.extra.iter().any(|it| it == segment))
        };
        if let Some(other) = names.iter().find(|name| is_trained(name) && !is_meant(name)) {
            text.note(format!(
                "LLaMA-Factory looks for parts of names, so that it trains `{other}` as well, and so \
                 does this policy."
            ));
        }
        wanted(model, is_trained)
    }

    /// Checks the names of modules as LLaMA-Factory does.
    fn check_modules(&self, names: &[&str]) -> Result<(), String> {
        let (mut hidden, mut other) = (BTreeSet::new(), BTreeSet::new());
        for name in names {
            let after = ["0", "1"].iter().find_map(|number| {
                name.rsplit_once(&format!(".{number}.")).map(|(_, after)| after)
            });
            if let Some(after) = after {
                hidden.extend(after.split('.').next());
            }
            let mut inner = name.split('.').skip(1).collect::<Vec<_>>();
            inner.pop();
            let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
            if !inner.iter().any(is_number) {
                other.extend(name.rsplit('.').nth(1));
            }
        }
        let missing = |wanted: &[String], known: &BTreeSet<&str>| {
            let missing = wanted.iter().find(|it| *it != "all" && !known.contains(it.as_str()))?;
            let known: Vec<&str> = known.iter().copied().collect();
            Some(format!("the model has no module `{missing}`; it has {}", known.join(", ")))
        };
        let all = ["all".to_owned()];
        let modules = if self.modules.is_empty() { &all[..] } else { &self.modules };
        match missing(modules, &hidden).or_else(|| missing(&self.extra, &other)) {
            Some(message) => Err(message),
            None => Ok(()),
        }
    }

    /// The targets in a model whose names are those of Llama and most others.
    fn without_model(&self, text: &mut PolicyText) -> Result<String, String> {
        if self.is_llama_pro {
            return Err("`use_llama_pro` depends on the number of layers: give the model with \
                        `--model`"
                .to_owned());
        }
        text.note(
            "The layers are called `model.layers`, as in Llama, Qwen, Mistral and Gemma. GPT-2 has \
             `transformer.h`; with `--model`, the names are those of the model.",
        );
        let count = self.layers.unsigned_abs();
        let layers = match self.layers {
            0 => None,
            1.. => Some(format!("model.layers[-{count}..]")),
            _ => Some(format!("model.layers[..{count}]")),
        };
        let mut targets: Vec<String> = Vec::new();
        if let Some(layers) = layers {
            for module in &self.modules {
                targets.push(if module == "all" {
                    layers.clone()
                } else {
                    format!("{layers}.{module}*")
                });
            }
        }
        targets.extend(self.extra.iter().map(|name| format!("~r\".*{name}.*\"")));
        if targets.is_empty() {
            return Err("nothing is trained: `freeze_trainable_layers` is 0".to_owned());
        }
        Ok(targets.join(", "))
    }
}

/// The module whose numbered modules have the most parameters, and how many there are.
fn layers_of<'n>(names: &[&'n str]) -> Option<(&'n str, usize)> {
    // The parameters in it, and its largest number.
    let mut containers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for name in names {
        let mut at = 0_usize;
        for segment in name.split('.') {
            if let (Ok(number), Some(container)) =
                (segment.parse::<usize>(), name.get(..at.saturating_sub(1)))
            {
                let known = containers.entry(container).or_default();
                *known = (known.0 + 1, known.1.max(number + 1));
                break;
            }
            at += segment.len() + 1;
        }
    }
    let largest = containers.into_iter().max_by_key(|(_, (parameters, _))| *parameters);
    largest.map(|(container, (_, count))| (container, count))
}

/// The number of layers that the `config.json` beside a model says.
fn configured_layers(model: &Path) -> Option<usize> {
    let folder = if model.is_dir() { model } else { model.parent()? };
    let text = std::fs::read_to_string(folder.join("config.json")).ok()?;
    let config: serde_json::Value = serde_json::from_str(&text).ok()?;
    let config = config.get("text_config").unwrap_or(&config);
    let count = ["num_hidden_layers", "num_layers", "n_layer"]
        .iter()
        .find_map(|key| config.get(key)?.as_u64().filter(|count| *count > 0))?;
    usize::try_from(count).ok()
}
