//! The optimizers of a program, as tch configures them.

use freeze_dsl::Optimizer;
use tch::nn;

mod sealed {
    pub trait Sealed {}
}

/// tch's optimizer configurations: [`nn::Sgd`], [`nn::Adam`], [`nn::AdamW`], [`nn::RmsProp`].
///
/// # Examples
/// ```
/// use freeze_runtime::ProgramOptimizer;
/// use tch::nn;
///
/// let (optimizer, weight_decay) = nn::AdamW { wd: 0.05, ..Default::default() }.into_parts();
/// assert_eq!((optimizer.name(), weight_decay), ("adamw", 0.05));
/// ```
pub trait ProgramOptimizer: sealed::Sealed {
    /// The optimizer and its weight decay.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::ProgramOptimizer;
    /// assert_eq!(tch::nn::Sgd::default().into_parts().1, 0.0);
    /// ```
    fn into_parts(self) -> (Optimizer, f64);
}

macro_rules! program_optimizer {
    ($tch:ty, $optimizer:expr) => {
        impl sealed::Sealed for $tch {}

        impl ProgramOptimizer for $tch {
            fn into_parts(self) -> (Optimizer, f64) {
                let optimizer: fn(Self) -> Optimizer = $optimizer;
                (optimizer(self), self.wd)
            }
        }
    };
}

program_optimizer!(nn::Sgd, |config| Optimizer::Sgd {
    momentum: config.momentum,
    dampening: config.dampening,
    nesterov: config.nesterov,
});
program_optimizer!(nn::Adam, |config| Optimizer::Adam {
    beta1: config.beta1,
    beta2: config.beta2,
    eps: config.eps,
    amsgrad: config.amsgrad,
});
program_optimizer!(nn::AdamW, |config| Optimizer::AdamW {
    beta1: config.beta1,
    beta2: config.beta2,
    eps: config.eps,
    amsgrad: config.amsgrad,
});
program_optimizer!(nn::RmsProp, |config| Optimizer::RmsProp {
    alpha: config.alpha,
    eps: config.eps,
    momentum: config.momentum,
    centered: config.centered,
});
