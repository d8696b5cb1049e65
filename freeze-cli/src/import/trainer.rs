//! The options of transformers' trainer, which LLaMA-Factory and Axolotl use: length, learning rate,
//! optimizer.

use super::optimizers::{OptimizerOptions, of_name};
use super::policy_text::{PolicyText, duration, number};
use super::yaml::Yaml;

/// The keys and defaults of a tool for these options.
pub(super) struct TrainerKeys {
    pub(super) epochs: (&'static str, f64),
    pub(super) scheduler: (&'static str, &'static str),
    pub(super) optimizer: (&'static str, &'static str),
    pub(super) lr: Option<f64>,
    /// The key of the arguments of the scheduler.
    pub(super) scheduler_arguments: &'static str,
}

impl TrainerKeys {
    /// Writes `run` and `default`, and returns what to `set` beside what trains.
    pub(super) fn import(
        &self,
        config: &Yaml,
        text: &mut PolicyText,
    ) -> Result<Vec<String>, String> {
        let has_length = self.run(config, text)?;
        let lr = config.number_of("learning_rate")?.or(self.lr);
        let curve = if let Some(lr) = lr {
            Some(self.curve(config, lr, has_length, text)?)
        } else {
            text.note("The file has no learning rate: the program's is used.");
            None
        };
        let name = config.get(self.optimizer.0).and_then(Yaml::text);
        let optimizer = of_name(name.as_deref().unwrap_or(self.optimizer.1), config, text)?;
        let weight_decay = config.number_of("weight_decay")?.unwrap_or(0.0);
        let options = OptimizerOptions { lr: None, weight_decay: Some(weight_decay), optimizer };
        let lr = curve.map_or(String::new(), |curve| format!(" lr {curve}"));
        text.statement(format!("default{lr}{}", options.without_lr()));
        if weight_decay > 0.0 {
            text.note("transformers decays neither biases nor normalisations.");
            return Ok(vec!["set @norms?, @biases? weight_decay 0".to_owned()]);
        }
        Ok(Vec::new())
    }

    /// Writes the length of the training, and returns whether there is one.
    fn run(&self, config: &Yaml, text: &mut PolicyText) -> Result<bool, String> {
        let steps = config.number_of("max_steps")?.filter(|steps| *steps > 0.0);
        let epochs = config.number_of(self.epochs.0)?.unwrap_or(self.epochs.1);
        let length = match steps {
            Some(steps) => duration(steps, "step"),
            None if epochs.fract() == 0.0 && epochs > 0.0 => duration(epochs, "epoch"),
            None => {
                text.note(format!(
                    "A run of {} is no whole number of epochs: write its length in steps, `run N \
                     steps`, and the curve of the learning rate.",
                    duration(epochs, "epoch")
                ));
                return Ok(false);
            }
        };
        text.statement(format!("run {length}"));
        Ok(true)
    }

    /// The curve of the learning rate.
    fn curve(
        &self,
        config: &Yaml,
        lr: f64,
        has_length: bool,
        text: &mut PolicyText,
    ) -> Result<String, String> {
        let nothing = Yaml::Null;
        let arguments = config.get(self.scheduler_arguments).unwrap_or(&nothing);
        let steps = config.number_of("warmup_steps")?.filter(|steps| *steps > 0.0);
        let ratio = config.number_of("warmup_ratio")?.filter(|ratio| *ratio > 0.0);
        let rate = number(lr);
        let warmup_length = match (steps, ratio) {
            (Some(steps), _) if steps >= 1.0 => Some(duration(steps, "step")),
            // transformers reads a number of steps below 1 as a ratio.
            (Some(ratio), _) | (None, Some(ratio)) if has_length => {
                Some(format!("{}%", number(ratio * 100.0)))
            }
            _ => None,
        };
        let scheduler = config.get(self.scheduler.0).and_then(Yaml::text);
        let scheduler = scheduler.as_deref().unwrap_or(self.scheduler.1);
        let least = match config.number_of("cosine_min_lr_ratio")? {
            Some(ratio) => lr * ratio,
            None => match arguments.number_of("min_lr_rate")? {
                Some(ratio) => lr * ratio,
                None => arguments.number_of("min_lr")?.unwrap_or(0.0),
            },
        };
        let rest = match scheduler {
            "constant" => return Ok(rate),
            "constant_with_warmup" => Some(rate.clone()),
            "linear" if has_length => Some(format!("linear {rate} -> 0 over rest")),
            "cosine" | "cosine_with_min_lr" if has_length => {
                Some(format!("cosine {rate} -> {} over rest", number(least)))
            }
            "polynomial" if has_length => {
                let power = arguments.number_of("power")?.unwrap_or(1.0);
                let end = arguments.number_of("lr_end")?.unwrap_or(1e-7);
                Some(format!("power {} {rate} -> {} over rest", number(power), number(end)))
            }
            "inverse_sqrt" => {
                let length = warmup_length.clone().unwrap_or_else(|| "10000 steps".to_owned());
                Some(format!("invsqrt {rate} over {length}"))
            }
            _ => None,
        };
        let Some(rest) = rest else {
            text.note(format!(
                "The schedule `{scheduler}` is not carried over: write its curve after `lr`."
            ));
            return Ok(rate);
        };
        Ok(match warmup_length {
            Some(length) => format!("linear 0 -> {rate} over {length} then {rest}"),
            None => rest,
        })
    }
}
