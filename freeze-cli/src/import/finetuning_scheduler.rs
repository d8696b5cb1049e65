//! finetuning-scheduler's schedules: phases that thaw more and more of a model.

mod phases;
mod rates;
mod trigger;

use std::collections::BTreeSet;
use std::path::Path;

use super::lightning::Callbacks;
use super::optimizers::{OptimizerOptions, of_class};
use super::pattern::Pattern;
use super::policy_text::{PolicyText, duration};
use super::selection::Selection;
use super::yaml::Yaml;
use phases::{Phase, implicit_phases};
use rates::Rates;
use trigger::Transitions;

/// Whether a file is a schedule: numbered phases, of which one at least has `params`.
pub(super) fn is_schedule(config: &Yaml) -> bool {
    let entries = config.entries();
    entries.iter().all(|(key, _)| key.parse::<u32>().is_ok())
        && entries.iter().any(|(_, phase)| phase.get("params").is_some())
}

/// Writes the policy of a schedule, or of a configuration of Lightning with one.
pub(super) fn import(
    config: &Yaml,
    file: &Path,
    selection: &Selection<'_>,
    text: &mut PolicyText,
) -> Result<(), String> {
    let (callbacks, schedule) = if is_schedule(config) {
        (Callbacks::of_schedule(), Some(config.clone()))
    } else {
        let callbacks = Callbacks::of_config(config)?;
        let schedule = callbacks.schedule(file, text)?;
        (callbacks, schedule)
    };
    let mut phases = match &schedule {
        Some(schedule) => Phase::all(schedule)?,
        None => implicit_phases(selection)?,
    };
    phases.iter_mut().skip(1).for_each(|phase| phase.add_common(callbacks.scheduler));
    if let Some(deepest) = callbacks.scheduler.whole_of("max_depth")?
        && let Ok(deepest) = usize::try_from(deepest)
        && deepest + 1 < phases.len()
    {
        text.note(format!("`max_depth: {deepest}`: the phases after phase {deepest} never begin."));
        phases.truncate(deepest + 1);
    }
    check_first(&phases)?;
    let targets = targets(&phases, selection, text)?;
    write(&phases, &targets, &callbacks, selection, text)
}

/// What finetuning-scheduler refuses in phase 0.
fn check_first(phases: &[Phase]) -> Result<(), String> {
    let Some(first) = phases.first() else { return Err("the schedule has no phases".to_owned()) };
    if first.new_optimizer.is_some() || first.new_lr_scheduler.is_some() {
        return Err(
            "phase 0 has a `new_optimizer` or `new_lr_scheduler`, which finetuning-scheduler \
                    refuses"
                .to_owned(),
        );
    }
    Ok(())
}

/// The targets of each phase.
fn targets(
    phases: &[Phase],
    selection: &Selection<'_>,
    text: &mut PolicyText,
) -> Result<Vec<String>, String> {
    let patterns: Vec<Vec<Pattern>> = phases
        .iter()
        .map(|phase| phase.params.iter().map(|it| Pattern::new(it)).collect())
        .collect::<Result<_, _>>()?;
    let all: Vec<&Pattern> = patterns.iter().flatten().collect();
    let renaming = selection.renaming(&all, text);
    let mut targets = Vec::new();
    let mut thawed = BTreeSet::new();
    for (number, patterns) in patterns.iter().enumerate() {
        targets.push(match selection.model() {
            Some(model) => {
                phases::of_model(model, (number, patterns), renaming, &mut thawed, text)?
            }
            None => phases::without_model((number, patterns), text)?,
        });
    }
    Ok(targets)
}

fn write(
    phases: &[Phase],
    targets: &[String],
    callbacks: &Callbacks<'_>,
    selection: &Selection<'_>,
    text: &mut PolicyText,
) -> Result<(), String> {
    let transitions = Transitions::new(callbacks, text)?;
    let restore = transitions.restore(callbacks, text);
    if let Some(epochs) = callbacks.max_epochs {
        text.statement(format!("run {}", duration(epochs, "epoch")));
    }
    let optimizer = if let Some(class) = callbacks.optimizer {
        of_class(class, text)?
    } else {
        text.note(
            "The optimizer, its weight decay and the learning rate of phase 0 are those of the \
             program, as `configure_optimizers` gives them.",
        );
        OptimizerOptions::default()
    };
    let options = optimizer.without_lr();
    if !options.is_empty() {
        text.statement(format!("default{options}"));
    }
    if callbacks.scheduler.flag("frozen_bn_track_running_stats", true) {
        selection.live_statistics("finetuning-scheduler", text);
    }
    let mut rates = Rates::new(phases, optimizer.lr, callbacks, text)?;
    let mut latest = 0;
    for (number, (phase, own)) in phases.iter().zip(targets).enumerate() {
        let change = rates.phase(number, phase, text)?;
        let verb = if number == 0 { "train" } else { "unfreeze" };
        let mut actions = vec![format!("{verb} {own}{}", change.options)];
        for (earlier, curve) in &change.earlier {
            let earlier = targets.get(*earlier).into_iter();
            actions.extend(earlier.map(|targets| format!("set {targets} lr {curve}")));
        }
        actions.extend(change.more);
        let trigger = match number.checked_sub(1).and_then(|before| phases.get(before)) {
            None => "start".to_owned(),
            Some(before) => {
                actions.splice(0..0, restore.clone());
                transitions.trigger(number, before, &mut latest, text)?
            }
        };
        text.statement(format!("{trigger} as phase_{number}: {}", actions.join(", ")));
    }
    if let Some(end) = transitions.end(phases, callbacks.max_epochs.is_some(), text) {
        text.statement(end);
    }
    transitions.thresholds(text);
    rates.track(text);
    Ok(())
}
