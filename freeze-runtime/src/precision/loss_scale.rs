//! How the loss is scaled.

use serde::{Deserialize, Serialize};

/// The settings of [`TunerBuilder::loss_scale`], with the names and defaults of Python's
/// [`torch.amp.GradScaler`].
///
/// A gradient of f16 below 6e-8 is zero. Multiplied by a scale, the loss has gradients that are large
/// enough; they are divided by the scale before they are used.
///
/// # Examples
/// ```
/// use freeze_runtime::LossScale;
///
/// let scale = LossScale::dynamic().init_scale(1024.0).growth_interval(500);
/// # assert_ne!(scale, LossScale::dynamic());
/// ```
///
/// [`TunerBuilder::loss_scale`]: crate::TunerBuilder::loss_scale
/// [`torch.amp.GradScaler`]: https://docs.pytorch.org/docs/2.11/amp.html#gradient-scaling
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "pass it to `TunerBuilder::loss_scale`"]
pub struct LossScale {
    init_scale: f64,
    growth_factor: f64,
    backoff_factor: f64,
    growth_interval: u32,
}

impl LossScale {
    /// A scale that begins at 65,536, doubles after 2,000 steps in a row without an infinity, and
    /// halves after each step with one.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{LossScale, Tuner, freeze_policy};
    /// # let policy = freeze_policy! { start: train fc lr 0.1 };
    /// let builder = Tuner::builder(&policy).loss_scale(LossScale::dynamic());
    /// # drop(builder);
    /// ```
    pub const fn dynamic() -> Self {
        Self { init_scale: 65536.0, growth_factor: 2.0, backoff_factor: 0.5, growth_interval: 2000 }
    }

    /// A scale that stays as it is. Steps with an infinity are skipped all the same.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::LossScale;
    /// assert_ne!(LossScale::fixed(1024.0), LossScale::dynamic().init_scale(1024.0));
    /// ```
    pub const fn fixed(scale: f64) -> Self {
        Self { init_scale: scale, growth_factor: 1.0, backoff_factor: 1.0, growth_interval: 2000 }
    }

    /// Sets the scale at the start: 65,536 unless set.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::LossScale;
    /// let scale = LossScale::dynamic().init_scale(1024.0);
    /// # assert_ne!(scale, LossScale::dynamic());
    /// ```
    pub const fn init_scale(self, scale: f64) -> Self {
        Self { init_scale: scale, ..self }
    }

    /// Sets what the scale is multiplied by after good steps: 2 unless set.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::LossScale;
    /// let scale = LossScale::dynamic().growth_factor(4.0);
    /// # assert_ne!(scale, LossScale::dynamic());
    /// ```
    pub const fn growth_factor(self, factor: f64) -> Self {
        Self { growth_factor: factor, ..self }
    }

    /// Sets what the scale is multiplied by after a skipped step: 0.5 unless set.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::LossScale;
    /// let scale = LossScale::dynamic().backoff_factor(0.25);
    /// # assert_ne!(scale, LossScale::dynamic());
    /// ```
    pub const fn backoff_factor(self, factor: f64) -> Self {
        Self { backoff_factor: factor, ..self }
    }

    /// Sets after how many good steps in a row the scale grows: 2,000 unless set.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::LossScale;
    /// let scale = LossScale::dynamic().growth_interval(100);
    /// # assert_ne!(scale, LossScale::dynamic());
    /// ```
    pub const fn growth_interval(self, steps: u32) -> Self {
        Self { growth_interval: steps, ..self }
    }

    pub(super) const fn initial(self) -> f64 {
        self.init_scale
    }

    /// Growth factor, backoff factor and growth interval.
    pub(super) fn factors(self) -> (f64, f64, i64) {
        (self.growth_factor, self.backoff_factor, self.growth_interval.into())
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn fault(self) -> Option<String> {
        let Self { init_scale, growth_factor, backoff_factor, growth_interval } = self;
        // Below this, an f32 loses digits and then is zero.
        let within =
            |number: f64| (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&number);
        let fault = |what: &str, must: &str, is: f64| {
            Some(format!("the {what} of a loss scale must be {must}, and is {is:?}"))
        };
        if !within(init_scale) {
            return fault("initial scale", "above 0 and within the range of f32", init_scale);
        }
        if !(growth_factor.is_finite() && growth_factor >= 1.0) {
            return fault("growth factor", "finite and at least 1", growth_factor);
        }
        if !(backoff_factor > 0.0 && backoff_factor <= 1.0) {
            return fault("backoff factor", "above 0 and at most 1", backoff_factor);
        }
        (growth_interval == 0)
            .then(|| "the growth interval of a loss scale must be at least 1".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::LossScale;

    #[test]
    fn numbers_out_of_range_are_named() {
        let good = LossScale::dynamic();
        for scale in [good, LossScale::fixed(1.0), good.growth_interval(1).backoff_factor(1.0)] {
            assert_eq!(scale.fault(), None);
        }
        for (scale, word) in [
            (LossScale::fixed(0.0), "initial scale"),
            (LossScale::fixed(f64::NAN), "initial scale"),
            (good.init_scale(1e39), "initial scale"),
            (LossScale::fixed(1e-300), "is 1e-300"),
            (good.growth_factor(0.5), "growth factor"),
            (good.growth_factor(f64::INFINITY), "growth factor"),
            (good.backoff_factor(0.0), "backoff factor"),
            (good.backoff_factor(1.5), "backoff factor"),
            (good.growth_interval(0), "growth interval"),
        ] {
            let fault = scale.fault().unwrap();
            assert!(fault.contains(word), "{fault}");
        }
    }
}
