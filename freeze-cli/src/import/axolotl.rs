//! Axolotl's `unfrozen_parameters` and `freeze_mm_modules`.

use std::collections::{BTreeMap, BTreeSet};

use freeze_dsl::model::{Model, ParamId};

use super::cover;
use super::pattern::{Pattern, is_plain, path};
use super::policy_text::PolicyText;
use super::selection::{Renaming, Selection, matching};
use super::trainer::TrainerKeys;
use super::yaml::Yaml;

const KEYS: TrainerKeys = TrainerKeys {
    epochs: ("num_epochs", 1.0),
    scheduler: ("lr_scheduler", "cosine"),
    optimizer: ("optimizer", "adamw_torch_fused"),
    lr: None,
    scheduler_arguments: "lr_scheduler_kwargs",
};

/// The segments of names that `freeze_mm_modules` freezes.
const MULTIMODAL: [&str; 9] = [
    "vision_tower",
    "vision_model",
    "vision_encoder",
    "embed_vision",
    "multi_modal_projector",
    "visual",
    "audio_tower",
    "audio_model",
    "embed_audio",
];

/// Rows from the first up to the second, or to the end.
type Rows = (usize, Option<usize>);

/// A pattern of `unfrozen_parameters`, with the rows that it is limited to.
struct Unfrozen {
    pattern: Pattern,
    rows: Option<Rows>,
}

/// Writes the policy of a configuration.
pub(super) fn import(
    config: &Yaml,
    selection: &Selection<'_>,
    text: &mut PolicyText,
) -> Result<(), String> {
    let unfrozen = config.get("unfrozen_parameters").map(Yaml::texts).unwrap_or_default();
    let unfrozen: Vec<Unfrozen> =
        unfrozen.iter().map(|pattern| Unfrozen::new(pattern)).collect::<Result<_, _>>()?;
    if let Some(adapter) = config.get("adapter").and_then(Yaml::text) {
        text.note(format!(
            "`adapter: {adapter}` adds parameters to the model, whose names begin with \
             `base_model.model.`: check the policy against the model that has them."
        ));
    }
    if unfrozen.iter().any(|it| it.rows.is_some()) {
        text.note(
            "Rows outside of a range keep every bit here. Axolotl sets their gradients to zero, so \
             they still move by weight decay and momentum.",
        );
    }
    let without_mm = config.flag("freeze_mm_modules", false);
    let more = KEYS.import(config, text)?;
    if ["embedding_lr", "embedding_lr_scale", "lr_groups", "loraplus_lr_ratio"]
        .iter()
        .any(|key| config.get(key).is_some())
    {
        text.note("Learning rates of parts of the model are not carried over.");
    }
    if !["warmup_steps", "warmup_ratio"].iter().any(|key| config.get(key).is_some()) {
        text.note(
            "The file has no warm-up; Axolotl then warms up for 3 % of the steps, at most 100, by \
             itself.",
        );
    }
    selection.live_statistics("Axolotl", text);
    let targets = match selection.model() {
        Some(model) => of_model(model, &unfrozen, without_mm, text)?,
        None => without_model(&unfrozen, without_mm, text)?,
    };
    let mut actions = vec![format!("train {targets}")];
    actions.extend(more);
    text.statement(format!("start: {}", actions.join(", ")));
    Ok(())
}

impl Unfrozen {
    fn new(written: &str) -> Result<Self, String> {
        let (name, rows) = split_rows(written)?;
        // Axolotl takes a dot for a dot, but before `+`.
        let mut translated = String::new();
        let mut signs = name.chars().peekable();
        while let Some(sign) = signs.next() {
            if sign == '.' && signs.peek() != Some(&'+') {
                translated.push('\\');
            }
            translated.push(sign);
        }
        Ok(Self { pattern: Pattern::new(&translated)?, rows })
    }
}

/// The pattern, and the rows that stand in brackets after it: `[:32000]`, `[5]`.
fn split_rows(written: &str) -> Result<(&str, Option<Rows>), String> {
    let whole = (written, None);
    let Some((name, range)) = written.strip_suffix(']').and_then(|it| it.rsplit_once('[')) else {
        return Ok(whole);
    };
    let (start, end) =
        range.split_once(':').map_or((range, None), |(start, end)| (start, Some(end)));
    let is_number = |text: &str| text.chars().all(|sign| sign.is_ascii_digit());
    if name.is_empty() || !is_number(start) || !end.is_none_or(is_number) {
        return Ok(whole);
    }
    let number = |text: &str| {
        text.parse::<usize>().map_err(|_| format!("`{written}` has a row that is too large"))
    };
    let rows = match (start, end) {
        ("", None | Some("")) => (0, None),
        (start, None) => (number(start)?, Some(number(start)? + 1)),
        (start, Some(end)) => {
            let start = if start.is_empty() { 0 } else { number(start)? };
            (start, if end.is_empty() { None } else { Some(number(end)?) })
        }
    };
    if rows.1.is_some_and(|end| rows.0 >= end) {
        return Err(format!("`{written}` has no rows: the end is not above the start"));
    }
    Ok((name, Some(rows)))
}

/// The targets of a model.
fn of_model(
    model: &Model,
    unfrozen: &[Unfrozen],
    without_mm: bool,
    text: &mut PolicyText,
) -> Result<String, String> {
    let mut whole: BTreeSet<ParamId> = BTreeSet::new();
    let mut rows: BTreeMap<ParamId, Vec<Rows>> = BTreeMap::new();
    for it in unfrozen {
        let matched = matching(model, &it.pattern, Renaming::default());
        if matched.is_empty() {
            text.note(format!("`{}` matches no parameter of the model.", it.pattern.written()));
        }
        match it.rows {
            None => whole.extend(matched),
            Some(range) => {
                for id in matched {
                    rows.entry(id).or_default().push(range);
                }
            }
        }
    }
    if unfrozen.is_empty() {
        whole.extend(cover::ids(model).map(|(id, _)| id));
    }
    // Where a pattern has rows, they count, whatever patterns without rows match.
    whole.retain(|id| !rows.contains_key(id));
    let mut slices = Vec::new();
    for (id, parameter) in cover::ids(model) {
        let is_mm =
            parameter.names().any(|name| name.split('.').any(|it| MULTIMODAL.contains(&it)));
        if without_mm && is_mm {
            whole.remove(&id);
            continue;
        }
        let Some(ranges) = rows.get(&id) else { continue };
        let size = parameter.shape.first().copied().unwrap_or(0);
        if ranges.iter().any(|(start, end)| end.unwrap_or(size) > size || *start >= size) {
            return Err(format!(
                "`{}` has {size} rows; Axolotl refuses rows that are not there",
                parameter.name
            ));
        }
        slices.push(slice(&path(&parameter.name), ranges));
    }
    if whole.is_empty() && slices.is_empty() {
        return Err("no parameter of the model is unfrozen".to_owned());
    }
    let mut targets = Vec::new();
    if !whole.is_empty() {
        targets.push(cover::targets(model, &whole));
    }
    targets.extend(slices);
    Ok(targets.join(", "))
}

/// `rows 0..32000 of embed.weight`
fn slice(path: &str, ranges: &[Rows]) -> String {
    let mut spans: Vec<String> = ranges
        .iter()
        .map(|(start, end)| {
            format!("{start}..{}", end.map_or(String::new(), |end| end.to_string()))
        })
        .collect();
    spans.sort_unstable();
    spans.dedup();
    match spans.as_slice() {
        [only] if !only.ends_with('.') => format!("rows {only} of {path}"),
        spans => format!("rows [{}] of {path}", spans.join(", ")),
    }
}

/// The targets of any model, as far as they can be said.
fn without_model(
    unfrozen: &[Unfrozen],
    without_mm: bool,
    text: &mut PolicyText,
) -> Result<String, String> {
    let mut targets = Vec::new();
    let mut rows: BTreeMap<String, Vec<Rows>> = BTreeMap::new();
    for it in unfrozen {
        let selector = match it.pattern.selector() {
            Ok(selector) => selector,
            Err(reason) => {
                text.note(reason);
                continue;
            }
        };
        match it.rows {
            None => targets.push(selector),
            Some(range) if is_plain(&selector) => rows.entry(selector).or_default().push(range),
            Some(_) => text.note(format!(
                "Which parameters `{}` limits to rows depends on the model: give it with `--model`.",
                it.pattern.written()
            )),
        }
    }
    if targets.len() > 1 || !rows.is_empty() && !targets.is_empty() {
        text.note(
            "A parameter that a pattern with rows and one without match has the rows alone in \
             Axolotl; here it is whole.",
        );
    }
    targets.extend(rows.iter().map(|(path, ranges)| slice(path, ranges)));
    if unfrozen.is_empty() {
        targets.push("@all".to_owned());
    }
    if targets.is_empty() {
        return Err(
            "nothing of it can be said without the model: give it with `--model`".to_owned()
        );
    }
    let except = if without_mm {
        format!(" except **.{{{}}}?", MULTIMODAL.join(","))
    } else {
        String::new()
    };
    Ok(format!("{}{except}", targets.join(", ")))
}
