//! Optimizers of PyTorch and transformers as options of a policy.

use super::policy_text::{PolicyText, number};
use super::yaml::Yaml;

/// The options that an optimizer sets.
#[derive(Debug, Default, PartialEq)]
pub(super) struct OptimizerOptions {
    pub(super) lr: Option<f64>,
    pub(super) weight_decay: Option<f64>,
    /// `adamw(eps 1e-7)`
    pub(super) optimizer: Option<String>,
}

impl OptimizerOptions {
    /// ` weight_decay 0.01 optimizer adamw`, to follow targets.
    pub(super) fn without_lr(&self) -> String {
        let decay = self.weight_decay.map(|it| format!(" weight_decay {}", number(it)));
        let optimizer = self.optimizer.as_ref().map(|it| format!(" optimizer {it}"));
        decay.into_iter().chain(optimizer).collect()
    }
}

/// The arguments of an optimizer's class, with those of the language.
const ARGUMENTS: [(&str, &str); 16] = [
    ("momentum", "momentum"),
    ("dampening", "dampening"),
    ("nesterov", "nesterov"),
    ("eps", "eps"),
    ("amsgrad", "amsgrad"),
    ("alpha", "alpha"),
    ("centered", "centered"),
    ("lr_decay", "lr_decay"),
    ("initial_accumulator_value", "initial"),
    ("momentum_decay", "momentum_decay"),
    ("decoupled_weight_decay", "decoupled"),
    ("beta2_decay", "beta2_decay"),
    ("d", "d"),
    ("ns_steps", "steps"),
    ("beta1", "beta1"),
    ("beta2", "beta2"),
];

/// Arguments that choose an implementation, and no arithmetic.
const IRRELEVANT: [&str; 5] = ["lr", "weight_decay", "foreach", "fused", "capturable"];

/// The options of a class with its arguments: `{class_path, init_args}`.
pub(super) fn of_class(class: &Yaml, text: &mut PolicyText) -> Result<OptimizerOptions, String> {
    let path = class.get("class_path").and_then(Yaml::text).unwrap_or_default();
    let nothing = Yaml::Null;
    let arguments = class.get("init_args").unwrap_or(&nothing);
    let mut options = OptimizerOptions {
        lr: arguments.number_of("lr")?,
        weight_decay: arguments.number_of("weight_decay")?,
        optimizer: None,
    };
    let Some((name, weight_decay, betas)) = known(path.rsplit('.').next().unwrap_or("")) else {
        text.note(format!("The optimizer `{path}` has no counterpart: the program's is used."));
        return Ok(options);
    };
    options.weight_decay = options.weight_decay.or(Some(weight_decay));
    let mut written = Vec::new();
    for (key, value) in arguments.entries() {
        if key == "betas" {
            for (beta, value) in ["beta1", "beta2"].iter().zip(value.items()).take(betas) {
                let value = value.number().ok_or("`betas` are not numbers")?;
                written.push(format!("{beta} {}", number(value)));
            }
        } else if let Some((_, argument)) = ARGUMENTS.iter().find(|(known, _)| known == key) {
            match (value.truth(), value.number()) {
                (Some(true), _) => written.push((*argument).to_owned()),
                (Some(false), _) => {}
                (None, Some(value)) => written.push(format!("{argument} {}", number(value))),
                (None, None) => text.note(format!("`{key}` of `{path}` is not carried over.")),
            }
        } else if !IRRELEVANT.contains(&key.as_str()) && value.truth() != Some(false) {
            text.note(format!("`{key}` of `{path}` is not carried over."));
        }
    }
    options.optimizer = Some(with_arguments(name, &written));
    Ok(options)
}

fn with_arguments(name: &str, arguments: &[String]) -> String {
    match arguments {
        [] => name.to_owned(),
        arguments => format!("{name}({})", arguments.join(", ")),
    }
}

/// The name of an optimizer's class in the language, its weight decay in PyTorch, and how many betas
/// it has.
fn known(class: &str) -> Option<(&'static str, f64, usize)> {
    Some(match class {
        "SGD" => ("sgd", 0.0, 0),
        "Adam" => ("adam", 0.0, 2),
        "AdamW" => ("adamw", 0.01, 2),
        "RMSprop" => ("rmsprop", 0.0, 0),
        "Adagrad" => ("adagrad", 0.0, 0),
        "Adamax" => ("adamax", 0.0, 2),
        "NAdam" => ("nadam", 0.0, 2),
        "RAdam" => ("radam", 0.0, 2),
        "Adafactor" => ("adafactor", 0.0, 0),
        "Muon" => ("muon", 0.1, 0),
        "Lion" => ("lion", 0.0, 2),
        _ => return None,
    })
}

/// The optimizer that a name of transformers' `optim` means, with the arguments of Adam in `config`.
pub(super) fn of_name(
    name: &str,
    config: &Yaml,
    text: &mut PolicyText,
) -> Result<Option<String>, String> {
    let kind = ["adamw", "adafactor", "adagrad", "rmsprop", "lion", "muon", "sgd"]
        .into_iter()
        .find(|kind| name.contains(kind));
    let Some(kind) = kind else {
        text.note(format!("The optimizer `{name}` has no counterpart: the program's is used."));
        return Ok(None);
    };
    if ["8bit", "4bit", "paged", "bnb"].iter().any(|word| name.contains(word)) {
        text.note(format!("The state of `{name}` is smaller there than that of `{kind}` here."));
    }
    match kind {
        "adafactor" => text.note(
            "transformers' Adafactor is an older one than PyTorch's, whose arithmetic is used here.",
        ),
        "muon" => text.note(
            "Muon takes matrices alone: give other parameters an optimizer of their own, as in \
             `set @vectors optimizer adamw`.",
        ),
        _ => {}
    }
    let mut written = Vec::new();
    if kind == "adamw" {
        for (key, argument, usual) in [
            ("adam_beta1", "beta1", 0.9),
            ("adam_beta2", "beta2", 0.999),
            ("adam_epsilon", "eps", 1e-8),
        ] {
            #[expect(clippy::float_cmp, reason = "both are written")]
            if let Some(value) = config.number_of(key)?.filter(|value| *value != usual) {
                written.push(format!("{argument} {}", number(value)));
            }
        }
    }
    Ok(Some(with_arguments(kind, &written)))
}
