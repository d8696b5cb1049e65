//! An optimizer's numbers by name, and those that curves change.

use serde::{Deserialize, Serialize};

use super::{ArgumentSlot, Optimizer};

/// The value of an optimizer's argument.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum OptimizerNumber {
    /// Whether a flag is on.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A number whose default depends on the parameter, at that default.
    Default(()),
}

impl Optimizer {
    /// How many arguments an optimizer has at most.
    pub(crate) const MOST_ARGUMENTS: usize = 5;

    /// Its numbers and flags by name, in the order of `PyTorch`'s constructors.
    ///
    /// # Examples
    /// ```
    /// use freeze_dsl::{Optimizer, OptimizerNumber};
    ///
    /// let numbers = Optimizer::SGD.numbers();
    /// assert_eq!(numbers[0], ("momentum", OptimizerNumber::Number(0.0)));
    /// assert_eq!(numbers[2], ("nesterov", OptimizerNumber::Flag(false)));
    /// ```
    #[must_use]
    pub fn numbers(&self) -> Vec<(&'static str, OptimizerNumber)> {
        let mut own = *self;
        let value = |slot: ArgumentSlot<'_>| match slot {
            ArgumentSlot::Number(value, _) => OptimizerNumber::Number(*value),
            ArgumentSlot::Optional(value, _) => {
                value.map_or(OptimizerNumber::Default(()), OptimizerNumber::Number)
            }
            ArgumentSlot::Whole(value, _) => OptimizerNumber::Number(f64::from(*value)),
            ArgumentSlot::Flag(flag) => OptimizerNumber::Flag(*flag),
        };
        own.slots().into_iter().map(|(name, slot)| (name, value(slot))).collect()
    }

    /// Whether an argument of this name may follow a curve.
    pub(crate) fn takes_curve(argument: &str) -> bool {
        !matches!(argument, "steps" | "initial")
    }

    /// The same with another value of a number, by the index of that argument.
    pub(crate) fn with_number(&self, argument: usize, value: f64) -> Self {
        let mut own = *self;
        match own.slots().into_iter().nth(argument) {
            Some((_, ArgumentSlot::Number(number, _))) => *number = value,
            Some((_, ArgumentSlot::Optional(number, _))) => *number = Some(value),
            _ => {}
        }
        own
    }

    /// The same with a number or a flag of this name; `None` if it has none.
    pub(crate) fn with_named(&self, name: &str, value: OptimizerNumber) -> Option<Self> {
        let mut own = *self;
        let slot =
            own.slots().into_iter().find_map(|(known, slot)| (known == name).then_some(slot));
        match (slot?, value) {
            (ArgumentSlot::Number(number, _), OptimizerNumber::Number(value)) => *number = value,
            (ArgumentSlot::Optional(number, _), OptimizerNumber::Number(value)) => {
                *number = Some(value);
            }
            (ArgumentSlot::Optional(number, _), OptimizerNumber::Default(())) => *number = None,
            (ArgumentSlot::Whole(number, _), OptimizerNumber::Number(value)) => {
                *number = (0..100).find(|whole| f64::from(*whole).to_bits() == value.to_bits())?;
            }
            (ArgumentSlot::Flag(flag), OptimizerNumber::Flag(value)) => *flag = value,
            _ => return None,
        }
        Some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curves_of_every_optimizer_have_places() {
        for mut optimizer in Optimizer::ALL {
            assert!(optimizer.slots().len() <= Optimizer::MOST_ARGUMENTS, "{}", optimizer.name());
        }
    }

    #[test]
    fn numbers_are_read_back_by_their_names() {
        let changed = Optimizer::ADAM.with_number(1, 0.5);
        let mut read = Optimizer::ADAM;
        for (name, number) in changed.numbers() {
            read = read.with_named(name, number).expect("it has this number");
        }
        assert_eq!(read, changed);
        assert_eq!(read.with_named("amsgrad", OptimizerNumber::Number(1.0)), None);
        assert_eq!(read.with_named("momentum", OptimizerNumber::Number(1.0)), None);
    }
}
