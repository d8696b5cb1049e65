//! PyTorch's learning-rate schedulers as curves.

use super::policy_text::{PolicyText, duration, metric, number};
use super::yaml::Yaml;

/// A scheduler of a learning rate, from its configuration.
#[derive(Debug, Clone)]
pub(super) struct LrScheduler {
    kind: SchedulerKind,
    /// Steps of the scheduler are this many `unit`s apart.
    frequency: f64,
    unit: &'static str,
}

#[derive(Debug, Clone)]
enum SchedulerKind {
    Step { size: f64, gamma: f64 },
    MultiStep { milestones: Vec<f64>, gamma: f64 },
    Cosine { length: f64, minimum: f64 },
    WarmRestarts { first: f64, factor: f64, minimum: f64 },
    Linear { from: f64, to: f64, length: f64 },
    Constant { factor: f64, length: f64 },
    Polynomial { power: f64, length: f64 },
    Plateau(Plateau),
}

/// `ReduceLROnPlateau`, which is a track.
#[derive(Debug, Clone)]
pub(super) struct Plateau {
    condition: String,
    factor: f64,
    minimum: f64,
}

impl LrScheduler {
    /// The scheduler of `{lr_scheduler_init: {class_path, init_args}, pl_lrs_cfg}`; `None` with a note
    /// for one that has no counterpart.
    pub(super) fn new(config: &Yaml, text: &mut PolicyText) -> Result<Option<Self>, String> {
        let class = config.get("lr_scheduler_init").unwrap_or(config);
        let path = class.get("class_path").and_then(Yaml::text).unwrap_or_default();
        let nothing = Yaml::Null;
        let arguments = class.get("init_args").unwrap_or(&nothing);
        let lightning = config.get("pl_lrs_cfg").unwrap_or(&nothing);
        let of =
            |key: &str, usual: f64| Ok::<_, String>(arguments.number_of(key)?.unwrap_or(usual));
        let required =
            |key: &str| arguments.number_of(key)?.ok_or_else(|| format!("`{path}` has no `{key}`"));
        let kind = match path.rsplit('.').next().unwrap_or("") {
            "StepLR" => {
                SchedulerKind::Step { size: required("step_size")?, gamma: of("gamma", 0.1)? }
            }
            "ExponentialLR" => SchedulerKind::Step { size: 1.0, gamma: required("gamma")? },
            "MultiStepLR" => SchedulerKind::MultiStep {
                milestones: milestones(arguments)?,
                gamma: of("gamma", 0.1)?,
            },
            "CosineAnnealingLR" => {
                SchedulerKind::Cosine { length: required("T_max")?, minimum: of("eta_min", 0.0)? }
            }
            "CosineAnnealingWarmRestarts" => SchedulerKind::WarmRestarts {
                first: required("T_0")?,
                factor: of("T_mult", 1.0)?,
                minimum: of("eta_min", 0.0)?,
            },
            "LinearLR" => SchedulerKind::Linear {
                from: of("start_factor", 1.0 / 3.0)?,
                to: of("end_factor", 1.0)?,
                length: of("total_iters", 5.0)?,
            },
            "ConstantLR" => SchedulerKind::Constant {
                factor: of("factor", 1.0 / 3.0)?,
                length: of("total_iters", 5.0)?,
            },
            "PolynomialLR" => SchedulerKind::Polynomial {
                power: of("power", 1.0)?,
                length: of("total_iters", 5.0)?,
            },
            "ReduceLROnPlateau" => SchedulerKind::Plateau(Plateau::new(arguments, lightning)?),
            _ => {
                text.note(format!(
                    "The learning-rate scheduler `{path}` has no counterpart: write its curve after \
                     `lr`."
                ));
                return Ok(None);
            }
        };
        let interval = lightning.get("interval").and_then(Yaml::text);
        let unit = if interval.as_deref() == Some("step") { "step" } else { "epoch" };
        let frequency = lightning.number_of("frequency")?.unwrap_or(1.0);
        let scheduler = Self { kind, frequency, unit };
        scheduler.note(text);
        Ok(Some(scheduler))
    }

    fn note(&self, text: &mut PolicyText) {
        if self.unit == "epoch"
            && !matches!(self.kind, SchedulerKind::Step { .. } | SchedulerKind::Plateau(_))
        {
            text.note(
                "Curves move at each step where the program says how many steps an epoch has; the \
                 schedulers of the file move once an epoch.",
            );
        }
        if let SchedulerKind::Cosine { .. } = self.kind {
            text.note("After `T_max`, `CosineAnnealingLR` rises again; the curve stays.");
        }
    }

    /// The curve of a parameter whose base learning rate is `base`.
    pub(super) fn curve(&self, base: &str) -> String {
        let over = |length: f64| duration(length * self.frequency, self.unit);
        let times = |factor: f64| scaled(base, factor);
        match &self.kind {
            SchedulerKind::Step { size, gamma } => {
                format!("{base} times {} every {}", number(*gamma), over(*size))
            }
            SchedulerKind::MultiStep { milestones, gamma } => {
                let (mut pieces, mut start, mut factor) = (Vec::new(), 0.0, 1.0);
                for milestone in milestones {
                    if *milestone > start {
                        let rate = times(factor);
                        pieces.push(format!(
                            "linear {rate} -> {rate} over {}",
                            over(milestone - start)
                        ));
                    }
                    factor *= gamma;
                    start = *milestone;
                }
                pieces.push(times(factor));
                pieces.join(" then ")
            }
            SchedulerKind::Cosine { length, minimum } => {
                format!("cosine {base} -> {} over {}", number(*minimum), over(*length))
            }
            SchedulerKind::WarmRestarts { first, factor, minimum } => {
                #[expect(clippy::float_cmp, reason = "one is written exactly")]
                let stretching = if *factor == 1.0 {
                    String::new()
                } else {
                    format!(" stretching {}", number(*factor))
                };
                let (to, over) = (number(*minimum), over(*first));
                format!("cosine {base} -> {to} over {over} repeat{stretching}")
            }
            SchedulerKind::Linear { from, to, length } => {
                format!("linear {} -> {} over {}", times(*from), times(*to), over(*length))
            }
            SchedulerKind::Constant { factor, length } => {
                let rate = times(*factor);
                format!("linear {rate} -> {rate} over {} then {base}", over(*length))
            }
            SchedulerKind::Polynomial { power, length } => {
                #[expect(clippy::float_cmp, reason = "one is written exactly")]
                let shape = if *power == 1.0 {
                    "linear".to_owned()
                } else {
                    format!("power {}", number(*power))
                };
                format!("{shape} {base} -> 0 over {}", over(*length))
            }
            SchedulerKind::Plateau(_) => base.to_owned(),
        }
    }

    /// The track that lowers learning rates on a plateau.
    pub(super) const fn plateau(&self) -> Option<&Plateau> {
        match &self.kind {
            SchedulerKind::Plateau(plateau) => Some(plateau),
            _ => None,
        }
    }

    /// Whether a parameter that joins later has the curve that it would have had from its own start:
    /// nothing depends on when the scheduler started.
    pub(super) fn is_memoryless(&self) -> bool {
        #[expect(clippy::float_cmp, reason = "one is written exactly")]
        match self.kind {
            SchedulerKind::Step { size, .. } => size == 1.0,
            SchedulerKind::Plateau(_) => true,
            _ => false,
        }
    }
}

impl Plateau {
    fn new(arguments: &Yaml, lightning: &Yaml) -> Result<Self, String> {
        let text = |from: &Yaml, key: &str| from.get(key).and_then(Yaml::text);
        let monitor = text(lightning, "monitor").unwrap_or_else(|| "val_loss".to_owned());
        let direction =
            if text(arguments, "mode").as_deref() == Some("max") { "rising" } else { "falling" };
        let patience = arguments.number_of("patience")?.unwrap_or(10.0);
        let threshold = arguments.number_of("threshold")?.unwrap_or(1e-4);
        let by = match text(arguments, "threshold_mode").as_deref() {
            _ if threshold == 0.0 => String::new(),
            Some("abs") => format!(" by {}", number(threshold)),
            _ => format!(" by {}%", number(threshold * 100.0)),
        };
        let length = duration(patience + 1.0, "epoch");
        Ok(Self {
            condition: format!("{} stops {direction} for {length}{by}", metric(&monitor)),
            factor: arguments.number_of("factor")?.unwrap_or(0.1),
            minimum: arguments.number_of("min_lr")?.unwrap_or(0.0),
        })
    }

    pub(super) fn track(&self) -> String {
        let to = if self.minimum > 0.0 {
            format!(" to {}", number(self.minimum))
        } else {
            String::new()
        };
        format!(
            "track plateau {{ whenever {}: set @trainable lr * {}{to}; }}",
            self.condition,
            number(self.factor)
        )
    }
}

fn milestones(arguments: &Yaml) -> Result<Vec<f64>, String> {
    let milestones = arguments.get("milestones").map_or(&[][..], Yaml::items);
    let all: Option<Vec<f64>> = milestones.iter().map(Yaml::number).collect();
    let mut all = all.ok_or("`milestones` are not numbers")?;
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// A base learning rate, a number or a name, times a factor.
fn scaled(base: &str, factor: f64) -> String {
    #[expect(clippy::float_cmp, reason = "one is written exactly")]
    if factor == 1.0 {
        return base.to_owned();
    }
    match base.parse::<f64>() {
        Ok(base) => number(base * factor),
        Err(_) => format!("{base} * {}", number(factor)),
    }
}
