//! Forward passes in half precision, with weights that stay in single.

use tch::Kind;

use crate::ffi;

/// Runs a forward pass with autocast, as Python's [`torch.autocast`] does.
///
/// Matrix products and convolutions run in `kind`, [`Kind::BFloat16`] or [`Kind::Half`]; what needs
/// range or precision, such as a loss, runs in [`Kind::Float`]. It holds for the calling thread, on
/// the CPU and on CUDA. Parameters keep their kind, and so do their gradients. A weight that is
/// used several times is cast once: libtorch keeps the cast until the outermost region ends. So a region
/// is one forward pass: in a region around a whole loop, weights would stay what they were when they
/// were first cast. For the same reason, all regions inside of one have its kind, or are off.
///
/// These casts are those of all threads: where an outermost region ends in one of them, the others cast a
/// weight again, and the gradients of its two casts are added up in the weight's own precision.
///
/// With any other `kind`, autocast is off inside. So a part of a region can run in full precision:
/// cast its input, then call `autocast(Kind::Float, …)`. Regions nest, and a panic inside restores
/// what was in force. Run the backward pass outside, as with PyTorch.
///
/// With [`Kind::Half`], small gradients are rounded to zero unless the loss is scaled.
///
/// # Examples
/// ```
/// use freeze_runtime::autocast;
/// use tch::nn::Module;
/// use tch::{Device, Kind, Tensor, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let fc = nn::linear(vs.root(), 4, 2, nn::LinearConfig::default());
/// let x = Tensor::randn([3, 4], (Kind::Float, Device::Cpu));
/// let y = autocast(Kind::BFloat16, || fc.forward(&x));
/// assert_eq!(y.kind(), Kind::BFloat16);
/// y.square().mean(Kind::Float).backward();
/// assert_eq!(fc.ws.grad().kind(), Kind::Float);
/// ```
///
/// [`torch.autocast`]: https://docs.pytorch.org/docs/2.11/amp.html#torch.autocast
pub fn autocast<T>(kind: Kind, forward: impl FnOnce() -> T) -> T {
    let _region = Region::enter(kind);
    forward()
}

/// A region in which autocast is on or off; what was in force returns with its drop.
struct Region(Option<ffi::Autocast>);

impl Region {
    fn enter(kind: Kind) -> Self {
        let kind = Some(kind).filter(|kind| matches!(kind, Kind::BFloat16 | Kind::Half));
        // These calls set flags of the thread; libtorch has no reason to refuse them.
        Self(ffi::enter_autocast(kind).ok())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            let _ = ffi::leave_autocast(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::autocast;

    fn product() -> Kind {
        let x = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
        x.matmul(&x).kind()
    }

    #[test]
    fn regions_nest_and_end() {
        let inside = autocast(Kind::BFloat16, || {
            let inner = autocast(Kind::Half, product);
            let off = autocast(Kind::Float, product);
            [inner, off, product()]
        });
        assert_eq!(inside, [Kind::Half, Kind::Float, Kind::BFloat16]);
        assert_eq!(product(), Kind::Float);
    }

    #[test]
    fn a_panic_ends_its_region() {
        let panicked = std::panic::catch_unwind(|| autocast(Kind::BFloat16, || panic!("stop")));
        assert!(panicked.is_err());
        assert_eq!(product(), Kind::Float);
    }

    #[test]
    fn a_weight_that_has_stepped_is_cast_anew() {
        let weight = Tensor::ones([2, 2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let first = || autocast(Kind::BFloat16, || weight.matmul(&weight).sum(Kind::Float));
        let before = first().double_value(&[]);
        tch::no_grad(|| {
            let _ = weight.shallow_clone().g_mul_scalar_(2.0);
        });
        assert!((first().double_value(&[]) - 4.0 * before).abs() < 1e-6);
    }

    #[test]
    fn other_threads_are_left_alone() {
        let other = autocast(Kind::BFloat16, || std::thread::spawn(product).join());
        assert_eq!(other.ok(), Some(Kind::Float));
    }
}
