//! Averages gradients over the ranks while the last backward pass of a step runs.

use tch::Tensor;

use super::Tuner;
use super::ranks::Averaging;
use crate::Error;
use crate::ffi::Reduction;

/// What libtorch's error says before the rank and the places of parameters without a gradient.
const UNUSED: &str = "did not receive grad for rank";

impl Tuner {
    /// Runs the last backward pass of a step, as [`Tuner::backward`] does. In a
    /// [`Group`](crate::Group), gradients are averaged over the ranks while it runs, those of the last
    /// layers first; they include what earlier calls of [`Tuner::backward`] have added.
    ///
    /// [`Tuner::backward_step`] runs it. A program that accumulates gradients or clips them calls it for
    /// the last micro-batch. Without it, clipping or the step averages the gradients, which is as right and
    /// takes longer.
    ///
    /// # Errors
    /// As for [`Tuner::backward`]; if gradients are averaged already; if one is sparse; if another rank does
    /// not come; and, with [`TunerBuilder::all_used`](crate::TunerBuilder::all_used), if a trainable parameter
    /// is not used.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let parts = [(); 2].map(|()| Tensor::ones([4, 2], (Kind::Float, Device::Cpu)));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// let loss = |x| fc.forward(x).square().mean(Kind::Float) / 2.0;
    /// tuner.zero_grad()?;
    /// tuner.backward(&loss(&parts[0]))?;
    /// tuner.backward_last(&loss(&parts[1]))?;
    /// tuner.clip_grad_norm(1.0)?;
    /// tuner.step()?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn backward_last(&mut self, loss: &Tensor) -> Result<(), Error> {
        let run = self.run_last_backward(loss);
        self.group.reported(run)
    }

    fn run_last_backward(&mut self, loss: &Tensor) -> Result<(), Error> {
        if !self.group.has_others() || self.clock.trainable().next().is_none() {
            return self.run_backward(loss);
        }
        self.require_not_averaged()?;
        self.agree_on_averaging("`backward_last`", Averaging::Overlapped)?;
        let loss = self.scale_loss(loss)?;
        self.is_accumulating = true;
        let reduction = match self.reduction.take() {
            Some(reduction) => reduction,
            None => self.new_reduction()?,
        };
        let averaged = self.group.overlapped("`backward_last`", || {
            reduction.prepare(&loss)?;
            loss.f_backward()?;
            reduction.require_complete()
        });
        if let Err(error) = &averaged {
            // libtorch says of a sparse gradient that it has no storage.
            let trainable = self.slices.trainable(&self.clock);
            self.require_averageable(&trainable.into_iter().collect())?;
            self.require_used(&error.to_string())?;
        }
        averaged?;
        self.reduction = Some(reduction);
        self.note_averaged()
    }

    /// A reduction of exactly the trainable parameters. It lives until these change.
    fn new_reduction(&self) -> Result<Reduction, Error> {
        let trainable = self.slices.trainable(&self.clock).into_iter().collect();
        let finds_unused = !self.all_used;
        self.group.with_processes(|processes| Reduction::new(processes, &trainable, finds_unused))
    }

    /// Fails with the names of the parameters that libtorch's error says were not used.
    fn require_used(&self, error: &str) -> Result<(), Error> {
        let Some((_, indices)) = error.split_once(UNUSED) else { return Ok(()) };
        let indices = indices.lines().next().and_then(|line| line.split_once(": "));
        let indices = indices.into_iter().flat_map(|(_, indices)| indices.split([' ', ',']));
        let names = indices.filter_map(|index| Some(self.trainable_name(index.parse().ok()?)));
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let Some((first, more)) = names.split_first() else { return Ok(()) };
        let (more, have) = match more.len() {
            0 => (String::new(), "has"),
            more => (format!(" and {more} more"), "have"),
        };
        Err(Error::Ownership(format!(
            "{first}{more} {have} no gradient from this backward pass: leave out `all_used`, which says that \
             each of them uses every trainable parameter"
        )))
    }

    /// The bytes of gradients that the last [`Tuner::backward_last`] has averaged; none if other parameters are
    /// trainable now.
    #[doc(hidden)]
    pub fn averaged_bytes(&self) -> Result<Option<u64>, Error> {
        Ok(self.reduction.as_ref().map(Reduction::bytes).transpose()?)
    }
}
