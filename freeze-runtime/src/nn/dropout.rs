//! Dropout that is the identity while it is frozen.

use std::borrow::Borrow;

use tch::Tensor;
use tch::nn::ModuleT;

/// Dropout that belongs to parameters, and is the identity while all of them are frozen.
///
/// # Examples
/// ```
/// use freeze_runtime::nn::dropout;
/// use tch::nn::ModuleT;
/// use tch::{Device, Kind, Tensor};
///
/// let weight = Tensor::ones([4], (Kind::Float, Device::Cpu));
/// let drop = dropout(0.5, [&weight]);
/// let x = Tensor::ones([8], (Kind::Float, Device::Cpu));
/// assert_eq!(drop.forward_t(&x, true), x);
/// ```
#[derive(Debug)]
pub struct Dropout {
    p: f64,
    of: Vec<Tensor>,
}

/// Dropout that zeroes each element with probability `p`, 0 to 1, in training, and scales the others
/// by `1 / (1 - p)`, as [`Tensor::dropout`] does.
///
/// `of` are the parameters that it belongs to, such as the weight of the layer before it: while none
/// of them requires a gradient, it is the identity. Without parameters, it is never frozen.
///
/// # Examples
/// ```
/// # use freeze_runtime::nn::dropout;
/// # use tch::{Device, nn};
/// # let vs = nn::VarStore::new(Device::Cpu);
/// let linear = nn::linear(vs.root() / "fc", 8, 4, nn::LinearConfig::default());
/// let drop = dropout(0.1, [&linear.ws]);
/// # assert!(!drop.is_frozen());
/// ```
pub fn dropout<T: Borrow<Tensor>>(p: f64, of: impl IntoIterator<Item = T>) -> Dropout {
    let of = of.into_iter().map(|tensor| tensor.borrow().shallow_clone());
    Dropout { p, of: of.collect() }
}

impl Dropout {
    /// Whether it belongs to parameters, and all of them are frozen.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::nn::dropout;
    /// # use tch::{Device, Kind, Tensor};
    /// let weight = Tensor::ones([4], (Kind::Float, Device::Cpu));
    /// assert!(dropout(0.5, [&weight]).is_frozen());
    /// ```
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        !self.of.is_empty() && !self.of.iter().any(Tensor::requires_grad)
    }
}

impl ModuleT for Dropout {
    /// Drops elements in training, unless it is frozen.
    ///
    /// # Panics
    /// Panics as [`Tensor::dropout`] does, if `p` is not a probability.
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        xs.dropout(self.p, train && !self.is_frozen())
    }
}
