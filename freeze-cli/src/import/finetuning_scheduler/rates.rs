//! The learning rates and optimizers of phases.

use super::phases::Phase;
use crate::import::lightning::Callbacks;
use crate::import::lr_schedulers::{LrScheduler, Plateau};
use crate::import::optimizers::of_class;
use crate::import::policy_text::{PolicyText, number};
use crate::import::yaml::Yaml;

/// The learning rate that finetuning-scheduler gives a phase without one.
const BASE_MAX_LR: f64 = 1e-5;

/// The learning rates in force, phase after phase.
pub(super) struct Rates {
    /// The base learning rate of each phase's parameters, where it is known.
    bases: Vec<Option<String>>,
    /// That of phases that name none.
    base_max_lr: Option<f64>,
    scheduler: Option<LrScheduler>,
    plateau: Option<Plateau>,
    /// The options of an optimizer that a phase has replaced.
    optimizer: String,
    /// How many groups of an optimizer a phase has: two where the module has a `no_decay`.
    groups: usize,
}

/// What a phase changes.
pub(super) struct Change {
    /// The options of what it thaws.
    pub(super) options: String,
    /// New curves of the parameters of earlier phases.
    pub(super) earlier: Vec<(usize, String)>,
    /// Further actions.
    pub(super) more: Vec<String>,
}

impl Rates {
    pub(super) fn new(
        phases: &[Phase],
        lr: Option<f64>,
        callbacks: &Callbacks<'_>,
        text: &mut PolicyText,
    ) -> Result<Self, String> {
        let scheduler = match callbacks.lr_scheduler {
            Some(config) => LrScheduler::new(config, text)?,
            None => None,
        };
        let base_max_lr = match callbacks.scheduler.number_of("base_max_lr")? {
            None if callbacks.scheduler.has_null("base_max_lr") => lr,
            given => Some(given.unwrap_or(BASE_MAX_LR)),
        };
        let restarts = |phase: &Phase| {
            let new = phase.new_lr_scheduler.as_ref();
            new.is_some_and(|new| new.get("init_pg_lrs").is_none())
        };
        let base = match lr {
            Some(lr) => Some(number(lr)),
            None if scheduler.is_some() || phases.iter().any(restarts) => {
                text.comment(
                    "The learning rate of phase 0, which `configure_optimizers` gives: set it.",
                );
                text.statement(format!("let phase_0_lr = {}", number(BASE_MAX_LR)));
                Some("phase_0_lr".to_owned())
            }
            None => None,
        };
        Ok(Self {
            bases: vec![base],
            base_max_lr,
            plateau: scheduler.as_ref().and_then(LrScheduler::plateau).cloned(),
            scheduler,
            optimizer: String::new(),
            groups: groups(phases),
        })
    }

    /// What a phase changes.
    pub(super) fn phase(
        &mut self,
        number: usize,
        phase: &Phase,
        text: &mut PolicyText,
    ) -> Result<Change, String> {
        let mut change = Change { options: String::new(), earlier: Vec::new(), more: Vec::new() };
        if number == 0 {
            if phase.lr.is_some() {
                text.note(
                    "finetuning-scheduler does not use the `lr` of phase 0, but that of \
                     `configure_optimizers`.",
                );
            }
            let base = self.bases.first().cloned().flatten();
            change.options = self.lr(base.as_deref());
            return Ok(change);
        }
        let base = phase.lr.or(self.base_max_lr).map(self::number);
        self.bases.push(base);
        if let Some(new) = &phase.new_optimizer {
            self.replace_optimizer(new, &mut change, text)?;
        }
        if let Some(new) = &phase.new_lr_scheduler {
            self.replace_scheduler(number, new, &mut change, text)?;
        } else if let Some(scheduler) = &self.scheduler
            && !scheduler.is_memoryless()
        {
            text.note(
                "Parameters that join while a scheduler runs start its curve here; in \
                 finetuning-scheduler they join where it is.",
            );
        }
        let base = self.bases.last().cloned().flatten();
        change.options = format!("{}{}", self.lr(base.as_deref()), self.optimizer);
        Ok(change)
    }

    /// The option of a learning rate with this base.
    fn lr(&self, base: Option<&str>) -> String {
        match (base, &self.scheduler) {
            (None, _) => String::new(),
            (Some(base), None) => format!(" lr {base}"),
            (Some(base), Some(scheduler)) => format!(" lr {}", scheduler.curve(base)),
        }
    }

    fn replace_optimizer(
        &mut self,
        new: &Yaml,
        change: &mut Change,
        text: &mut PolicyText,
    ) -> Result<(), String> {
        let class = new.get("optimizer_init").ok_or("a `new_optimizer` has no `optimizer_init`")?;
        let options = of_class(class, text)?;
        self.optimizer = options.without_lr();
        // Learning rates stay, but a new scheduler starts from that of the new optimizer.
        if let (Some(lr), Some(first)) = (options.lr, self.bases.first_mut()) {
            *first = Some(number(lr));
        }
        if !self.optimizer.is_empty() {
            change.more.push(format!("set @trainable{}", self.optimizer));
        }
        change.more.push("reset @trainable".to_owned());
        Ok(())
    }

    fn replace_scheduler(
        &mut self,
        number: usize,
        new: &Yaml,
        change: &mut Change,
        text: &mut PolicyText,
    ) -> Result<(), String> {
        self.scheduler = LrScheduler::new(new, text)?;
        if let Some(plateau) = self.scheduler.as_ref().and_then(LrScheduler::plateau) {
            self.plateau = Some(plateau.clone());
        }
        if new.flag("use_current_optimizer_pg_lrs", false) {
            text.note(
                "`use_current_optimizer_pg_lrs`: the new scheduler starts from the learning rates of \
                 that moment; here it starts from those that the parameters began with.",
            );
        }
        if let Some(given) = new.get("init_pg_lrs") {
            self.set_bases(number, given, text)?;
        }
        for earlier in 0..number {
            let base = self.bases.get(earlier).cloned().flatten();
            let curve = self.lr(base.as_deref());
            if let Some(curve) = curve.strip_prefix(" lr ") {
                change.earlier.push((earlier, curve.to_owned()));
            }
        }
        Ok(())
    }

    /// Sets the base learning rates of groups.
    fn set_bases(
        &mut self,
        number: usize,
        given: &Yaml,
        text: &mut PolicyText,
    ) -> Result<(), String> {
        let given: Option<Vec<f64>> = given.items().iter().map(Yaml::number).collect();
        let given = given.ok_or("`init_pg_lrs` are not numbers")?;
        if self.groups > 1 {
            text.note(
                "`init_pg_lrs` has two learning rates a phase, of which the first is used: the \
                 module has a `no_decay`, whose parameters get `weight_decay 0` in it.",
            );
        }
        for (base, chunk) in self.bases.iter_mut().zip(given.chunks(self.groups)) {
            *base = chunk.first().map(|lr| self::number(*lr));
        }
        if given.len() > self.groups * (number + 1) {
            return Err("`init_pg_lrs` has more learning rates than there are groups".to_owned());
        }
        Ok(())
    }

    /// Writes the track of a scheduler that waits for a metric.
    pub(super) fn track(&self, text: &mut PolicyText) {
        if let Some(plateau) = &self.plateau {
            text.note(
                "The track `plateau` watches its metric from the start of the run; a scheduler that a \
                 phase starts watches it from that phase on.",
            );
            text.statement(plateau.track());
        }
    }
}

/// How many groups of an optimizer a phase has, as the lengths of `init_pg_lrs` show.
fn groups(phases: &[Phase]) -> usize {
    let fits = |groups: usize| {
        phases.iter().enumerate().all(|(number, phase)| {
            let new = phase.new_lr_scheduler.as_ref();
            let given = new.and_then(|new| new.get("init_pg_lrs"));
            given.is_none_or(|given| given.items().len() <= groups * (number + 1))
        })
    };
    if fits(1) { 1 } else { 2 }
}
