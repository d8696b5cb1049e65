//! How much memory the state of optimizers takes.

use super::Optimizer;

/// The bytes of a count of steps or of a product, which are `f32` whatever the parameter is.
const NUMBER: usize = 4;

impl Optimizer {
    /// The bytes of its state of a parameter, or of a row slice, of this shape, whose elements have so
    /// many bytes each. Copies in `f32` of parameters of half precision are no part of it.
    ///
    /// # Examples
    /// ```
    /// use freeze_dsl::Optimizer;
    ///
    /// // A count of steps, and two averages of each element.
    /// assert_eq!(Optimizer::ADAMW.state_bytes(&[10, 512], 4), 4 + 2 * 5120 * 4);
    /// assert_eq!(Optimizer::SGD.state_bytes(&[10, 512], 4), 0);
    /// ```
    #[must_use]
    pub fn state_bytes(&self, shape: &[usize], element_bytes: usize) -> usize {
        let elements = shape.iter().fold(1_usize, |all, size| all.saturating_mul(*size));
        // How many numbers it keeps beside those of the parameter's shape, and how many of these.
        let (numbers, averages) = match *self {
            Self::Sgd { momentum, .. } => (0, usize::from(momentum > 0.0)),
            Self::Adam { amsgrad, .. } | Self::AdamW { amsgrad, .. } => {
                (1, 2 + usize::from(amsgrad))
            }
            Self::RmsProp { momentum, centered, .. } => {
                (0, 1 + usize::from(centered) + usize::from(momentum > 0.0))
            }
            Self::Adagrad { .. } => (1, 1),
            Self::Adamax { .. } | Self::RAdam { .. } => (1, 2),
            Self::NAdam { .. } => (2, 2),
            Self::Adafactor { .. } => {
                let kept = match shape {
                    [.., rows, columns] => elements / (*columns).max(1) + elements / (*rows).max(1),
                    _ => elements,
                };
                return NUMBER.saturating_add(kept.saturating_mul(element_bytes));
            }
            Self::Muon { .. } | Self::Lion { .. } => (0, 1),
        };
        elements.saturating_mul(element_bytes * averages).saturating_add(numbers * NUMBER)
    }
}
