//! The phases of a schedule, and the parameters of each.

use std::collections::BTreeSet;

use freeze_dsl::model::{Model, ParamId};

use crate::import::cover;
use crate::import::pattern::Pattern;
use crate::import::policy_text::PolicyText;
use crate::import::selection::{Renaming, Selection, matching};
use crate::import::yaml::Yaml;

/// A phase of a schedule.
pub(super) struct Phase {
    /// Names of parameters and regular expressions.
    pub(super) params: Vec<String>,
    /// The epoch at which it ends at the latest.
    pub(super) max_transition_epoch: Option<i64>,
    pub(super) lr: Option<f64>,
    pub(super) new_optimizer: Option<Yaml>,
    pub(super) new_lr_scheduler: Option<Yaml>,
}

impl Phase {
    /// The phases of a schedule, in their order.
    pub(super) fn all(schedule: &Yaml) -> Result<Vec<Self>, String> {
        let mut numbered = Vec::new();
        for (key, phase) in schedule.entries() {
            let number: usize =
                key.parse().map_err(|_| format!("the phase `{key}` is no number"))?;
            let phase = Self::new(phase).map_err(|error| format!("phase {number}: {error}"))?;
            numbered.push((number, phase));
        }
        numbered.sort_by_key(|(number, _)| *number);
        if numbered.iter().enumerate().any(|(index, (number, _))| index != *number) {
            return Err("phases are numbered from 0, without gaps".to_owned());
        }
        Ok(numbered.into_iter().map(|(_, phase)| phase).collect())
    }

    fn new(phase: &Yaml) -> Result<Self, String> {
        Ok(Self {
            params: phase.list_of("params")?,
            max_transition_epoch: phase.whole_of("max_transition_epoch")?.filter(|it| *it >= 0),
            lr: phase.number_of("lr")?,
            new_optimizer: phase.get("new_optimizer").cloned(),
            new_lr_scheduler: phase.get("new_lr_scheduler").cloned(),
        })
    }

    /// Adds what the callback says for all phases.
    pub(super) fn add_common(&mut self, callback: &Yaml) {
        let of = |key: &str| callback.get(key).cloned();
        self.new_optimizer = self.new_optimizer.take().or_else(|| of("reinit_optim_cfg"));
        self.new_lr_scheduler = self.new_lr_scheduler.take().or_else(|| of("reinit_lr_cfg"));
    }
}

/// The schedule that finetuning-scheduler makes where there is none: two parameters a phase, from the
/// end of the network on.
pub(super) fn implicit_phases(selection: &Selection<'_>) -> Result<Vec<Phase>, String> {
    let model = selection.model().ok_or(
        "the configuration has no `ft_schedule`: its schedule is made of the model, so give the model \
         with `--model`",
    )?;
    if !model.is_network_order() {
        return Err("the configuration has no `ft_schedule`: its schedule is made of the order of the \
                    model's parameters, which a file of weights does not have; give a `.model.json` \
                    that a program has written"
            .to_owned());
    }
    let names: Vec<&String> = model.parameters().iter().rev().map(|it| &it.name).collect();
    let phase = |names: &[&String]| Phase {
        params: names.iter().map(|name| (*name).clone()).collect(),
        max_transition_epoch: None,
        lr: None,
        new_optimizer: None,
        new_lr_scheduler: None,
    };
    Ok(names.chunks(2).map(phase).collect())
}

/// The targets of a phase in a model.
pub(super) fn of_model(
    model: &Model,
    (number, patterns): (usize, &[Pattern]),
    renaming: Renaming,
    thawed: &mut BTreeSet<ParamId>,
    text: &mut PolicyText,
) -> Result<String, String> {
    let mut wanted = BTreeSet::new();
    for pattern in patterns {
        // A name that a parameter has is no regular expression.
        let has_name = |name: &str| renaming.of(name) == pattern.written();
        let named = cover::ids(model).find(|(_, it)| it.names().any(has_name));
        let matched = match named {
            Some((id, _)) => BTreeSet::from([id]),
            None => matching(model, pattern, renaming),
        };
        if matched.is_empty() {
            text.note(format!(
                "`{}` of phase {number} matches no parameter of the model and is left out; \
                 finetuning-scheduler refuses it.",
                pattern.written()
            ));
        }
        wanted.extend(matched);
    }
    let twice = wanted.iter().find_map(|id| {
        let (_, parameter) = cover::ids(model).find(|(other, _)| other == id)?;
        thawed.contains(id).then_some(&parameter.name)
    });
    if let Some(name) = twice {
        return Err(format!(
            "`{name}` is in phase {number} and in an earlier one, which finetuning-scheduler refuses"
        ));
    }
    if wanted.is_empty() {
        return Err(format!("phase {number} has no parameter of the model"));
    }
    let targets = cover::targets(model, &wanted);
    thawed.extend(wanted);
    Ok(targets)
}

/// The targets of a phase in any model, as far as they can be said.
pub(super) fn without_model(
    (number, patterns): (usize, &[Pattern]),
    text: &mut PolicyText,
) -> Result<String, String> {
    let mut targets = Vec::new();
    for pattern in patterns {
        match pattern.selector() {
            Ok(selector) => targets.push(selector),
            Err(reason) => text.note(format!("Phase {number}: {reason}.")),
        }
    }
    if targets.is_empty() {
        return Err(format!("nothing of phase {number} can be said without the model"));
    }
    Ok(targets.join(", "))
}
