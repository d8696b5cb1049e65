//! Runs a policy through a tuner, and holds it against the run by hand.

use std::collections::BTreeMap;
use std::error::Error;

use freeze_runtime::{Group, Tuner};
use tch::{Cuda, Device, Kind, Tensor};

use super::Farthest;
use super::case::{Case, Clip, Rates, same_bits};
use super::networks::Network;
use crate::Bits;

/// How far a variable may be from the one by hand: the norm of the difference, as a part of the
/// norm of the one by hand. Some 16 roundings of a float32.
const CPU: f64 = 1e-6;
/// On a GPU, every sum is added up in another order than the one by hand.
const CUDA: f64 = 1e-5;

/// A case that is run.
pub(super) struct Replay<'c> {
    case: &'c Case,
    network: Network,
    /// The processes that train it together, if there are several.
    group: Option<&'c Group>,
    /// The variables at first and after each epoch, as in the case.
    snapshots: BTreeMap<String, Vec<Tensor>>,
    farthest: Farthest,
}

impl<'c> Replay<'c> {
    pub(super) fn new(case: &'c Case, network: Network, group: Option<&'c Group>) -> Self {
        let place = "everywhere".to_owned();
        let farthest = Farthest { off: 0.0, place, fingerprints: Vec::new() };
        Self { case, network, group, snapshots: BTreeMap::new(), farthest }
    }

    pub(super) fn run(mut self) -> Result<Farthest, Box<dyn Error>> {
        let _without = WithoutCudnn::begin();
        let case = self.case;
        self.start()?;
        self.compare(0)?;
        let mut tuner = self.attach()?;
        for epoch in 0..case.epochs {
            self.epoch(&mut tuner, epoch)?;
            self.compare(epoch + 1)?;
            self.farthest.fingerprints.push(Bits::of(&self.network.vs).fingerprint());
        }
        self.end(&mut tuner)?;
        Ok(self.farthest)
    }

    /// Runs the policy, and holds it after each epoch against another way to train the same network.
    pub(super) fn run_beside(mut self, other: &Self) -> Result<Farthest, Box<dyn Error>> {
        self.start()?;
        other.start()?;
        let (mut tuner, mut others) = (self.attach()?, other.attach()?);
        for epoch in 0..self.case.epochs {
            self.epoch(&mut tuner, epoch)?;
            other.epoch(&mut others, epoch)?;
            let theirs = other.network.vs.variables();
            for (name, ours) in self.network.vs.variables() {
                let off = distance(&ours, theirs.get(&name).ok_or("another network")?)?;
                self.farthest.keep(off, &format!("{name} after {} epochs", epoch + 1));
            }
            self.farthest.fingerprints.push(Bits::of(&self.network.vs).fingerprint());
        }
        Ok(self.farthest)
    }

    fn attach(&self) -> Result<Tuner, Box<dyn Error>> {
        let builder = Tuner::builder(&self.case.policy);
        let builder = builder.steps_per_epoch(usize::try_from(self.case.steps)?);
        let builder = match self.group {
            Some(group) => builder.group(group),
            None => builder,
        };
        Ok(builder.attach(&self.network.vs)?)
    }

    fn epoch(&self, tuner: &mut Tuner, epoch: i64) -> Result<(), Box<dyn Error>> {
        tuner.start_epoch()?;
        for step in 0..self.case.steps {
            self.compare_rates(tuner, epoch, step);
            self.step(tuner, epoch, step)?;
        }
        for (metric, value) in self.case.metrics(epoch) {
            tuner.observe(metric, value)?;
        }
        Ok(())
    }

    /// Sets every variable to the first value that it had by hand.
    fn start(&self) -> Result<(), Box<dyn Error>> {
        let mut variables = self.network.vs.variables();
        assert_eq!(variables.len(), self.case.weights.len(), "another network");
        for (name, weights) in &self.case.weights {
            let variable = variables.get_mut(name).ok_or("another network")?;
            tch::no_grad(|| variable.f_copy_(&weights.f_get(0)?))?;
        }
        Ok(())
    }

    fn step(&self, tuner: &mut Tuner, epoch: i64, step: i64) -> Result<(), Box<dyn Error>> {
        let (x, y) = self.case.batch(epoch, step)?;
        tuner.zero_grad()?;
        let (x, y, weight) = self.share(&self.as_weights(&x)?, &self.as_weights(&y)?)?;
        ((self.network.loss)(&x, &y) * weight).f_backward()?;
        match self.case.clip {
            Clip::No => {}
            Clip::Norm(max) => drop(tuner.clip_grad_norm(max)?),
            Clip::Value(max) => tuner.clip_grad_value(max)?,
        }
        tuner.step()?;
        Ok(())
    }

    /// A part of a batch where the network is, and numbers in its precision.
    fn as_weights(&self, part: &Tensor) -> Result<Tensor, tch::TchError> {
        let store = &self.network.vs;
        let kind = if part.is_floating_point() { store.kind() } else { part.kind() };
        part.f_to_device(store.device())?.f_to_kind(kind)
    }

    /// The rank's share of a batch, and the weight with which its loss is part of the mean of all ranks.
    fn share(&self, x: &Tensor, y: &Tensor) -> Result<(Tensor, Tensor, f64), Box<dyn Error>> {
        let Some(group) = self.group else {
            return Ok((x.shallow_clone(), y.shallow_clone(), 1.0));
        };
        let (rank, size) = (group.rank(), group.size());
        let count = usize::try_from(x.size().first().copied().unwrap_or_default())?;
        let (begin, end) = (count * rank / size, count * (rank + 1) / size);
        let own = |of: &Tensor| -> Result<Tensor, Box<dyn Error>> {
            Ok(of.f_narrow(0, i64::try_from(begin)?, i64::try_from(end - begin)?)?)
        };
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        let weight = (end - begin) as f64 * size as f64 / count as f64;
        Ok((own(x)?, own(y)?, weight))
    }

    /// Fails unless the same trains as by hand, with the same learning rates.
    fn compare_rates(&self, tuner: &Tuner, epoch: i64, step: i64) {
        let case = self.case;
        let (ours, by_hand) = (case.rates_of(tuner), case.rates(epoch, step));
        let place = format!("epoch {epoch}, step {step}");
        let only =
            |one: &Rates, other: &Rates| one.keys().find(|row| !other.contains_key(row)).cloned();
        assert_eq!(only(&ours, &by_hand), None, "{place}: it trains");
        assert_eq!(only(&by_hand, &ours), None, "{place}: it does not train");
        for ((name, ours), by_hand) in ours.iter().zip(by_hand.values()) {
            let off = (ours - by_hand).abs() / by_hand;
            assert!(off < 1e-12, "{place}: {name:?} trains with {ours}, by hand with {by_hand}");
        }
    }

    /// Fails where a variable is too far from the one by hand, or has moved where that one has
    /// not, or has not moved where that one has.
    fn compare(&mut self, epoch: i64) -> Result<(), Box<dyn Error>> {
        let variables = self.network.vs.variables();
        for (name, weights) in &self.case.weights {
            let variable = variables.get(name).ok_or("another network")?;
            let place = format!("{name} after {epoch} epochs");
            let ours = variable.f_detach()?.f_to_device(Device::Cpu)?.copy();
            let by_hand = weights.f_get(epoch)?;
            let off = distance(&ours, &by_hand)?;
            let tolerance = if self.network.vs.device().is_cuda() { CUDA } else { CPU };
            assert!(off <= tolerance, "{place}: off by {off:.1e}");
            self.farthest.keep(off, &place);
            let snapshots = self.snapshots.entry(name.clone()).or_default();
            for (earlier, snapshot) in (0..).zip(snapshots.iter()) {
                assert_eq!(
                    same_bits(&ours, snapshot)?,
                    same_bits(&by_hand, &weights.f_get(earlier)?)?,
                    "{place}: whether it has the bits that it had after {earlier}"
                );
            }
            snapshots.push(ours);
        }
        Ok(())
    }

    /// Fails unless training is over when it is by hand; then nothing moves any more.
    fn end(&self, tuner: &mut Tuner) -> Result<(), Box<dyn Error>> {
        assert!(!tuner.is_stopped());
        if self.case.ends {
            tuner.start_epoch()?;
            assert!(tuner.is_stopped());
            let before = Bits::of(&self.network.vs);
            self.step(tuner, 0, 0)?;
            let later = Bits::of(&self.network.vs);
            let moved = before.moved(&later);
            assert!(moved.iter().all(|name| name.contains("running")), "{moved:?}");
        }
        Ok(())
    }
}

/// While this exists, convolutions do without cuDNN, which rounds their factors to TF32.
struct WithoutCudnn(bool);

impl WithoutCudnn {
    fn begin() -> Self {
        let before = Cuda::user_enabled_cudnn();
        Cuda::set_user_enabled_cudnn(false);
        Self(before)
    }
}

impl Drop for WithoutCudnn {
    fn drop(&mut self) {
        Cuda::set_user_enabled_cudnn(self.0);
    }
}

/// The norm of the difference as a part of the norm of the second.
fn distance(one: &Tensor, other: &Tensor) -> Result<f64, tch::TchError> {
    let (one, other) = (one.f_to_kind(Kind::Double)?, other.f_to_kind(Kind::Double)?);
    (one.f_sub(&other)?.f_norm()?.f_div(&other.f_norm()?)?).f_double_value(&[])
}
