//! Makes a step of all groups.

use tch::Tensor;

use super::param_views::ParamView;
use super::{Tuner, hyper_params, tensors};
use crate::Error;
use crate::ffi::List;
use crate::optim::{self, AnchorPull, GradScale, ParamSlot};
use freeze_dsl::plan::SliceId;

impl Tuner {
    /// Clips the gradients of trainable slices, averaged over the ranks and divided by the loss scale.
    pub(super) fn clip<T>(
        &mut self,
        call: &str,
        clip: impl FnOnce(&[&Tensor]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let average = self.average_gradients(call);
        let clipped = average.and_then(|()| clip(&tensors(&self.unscaled_views()?)));
        let noted = clipped.and_then(|clipped| self.note_averaged().map(|()| clipped));
        self.group.reported(noted)
    }

    /// The trainable slices with gradients that can be clipped: divided by the loss scale.
    fn unscaled_views(&mut self) -> Result<Vec<ParamView<'_>>, Error> {
        self.grad_means.take(&self.slices, self.scaler.as_ref())?;
        self.take_gradients()?;
        let views = self.clock.trainable();
        let views = views.filter_map(|slice| self.masters.view(slice, &self.slices).transpose());
        let views = views.collect::<Result<Vec<_>, _>>()?;
        if let Some(scaler) = &mut self.scaler {
            scaler.unscale(&tensors(&views))?;
        }
        Ok(views)
    }

    /// Steps everything that has a gradient, divided by the loss scale.
    pub(super) fn step_groups(&mut self) -> Result<(), Error> {
        if let Some(scaler) = &self.scaler {
            scaler.require_scaled(&self.slices.trainable(&self.clock))?;
        }
        self.average_gradients("`step`")?;
        self.grad_means.take(&self.slices, self.scaler.as_ref())?;
        self.take_gradients()?;
        let stepping = self.divided_steps()?;
        let mut scaler = self.scaler.take();
        let found_inf = match &mut scaler {
            Some(scaler) => scaler.step(|mut scale| {
                if let Some(scale) = scale.as_deref_mut() {
                    self.search_others(&stepping, scale)?;
                }
                self.step_slices(scale)
            }),
            None => self.step_slices(None).map(|()| None),
        };
        self.scaler = scaler;
        self.grad_means.step(found_inf?.as_ref())?;
        self.averaged.clear();
        self.masters.round(&self.slices)?;
        self.share_steps(&stepping)
    }

    /// Moves the gradients of slices of half precision to their masters, if they have any.
    fn take_gradients(&mut self) -> Result<(), Error> {
        let is_own = self.own_slices();
        Ok(self.masters.take_gradients(&self.slices, &self.clock, &is_own)?)
    }

    /// The slices that step, each with the rank that steps it; none unless the ranks divide the optimizer
    /// state.
    fn divided_steps(&self) -> Result<Vec<(SliceId, usize)>, Error> {
        let mut stepping = Vec::new();
        for slice in self.clock.trainable() {
            if let Some(owner) = self.owner(slice)
                && let Some(view) = self.masters.view(slice, &self.slices)?
                && view.f_grad()?.defined()
            {
                stepping.push((slice, owner));
            }
        }
        Ok(stepping)
    }

    /// Searches the gradients of slices that other ranks step, so that all ranks skip the same steps.
    fn search_others(
        &self,
        stepping: &[(SliceId, usize)],
        scale: &mut GradScale,
    ) -> Result<(), Error> {
        let others = stepping.iter().filter(|(slice, _)| !self.owns(*slice));
        let views =
            others.filter_map(|(slice, _)| self.masters.view(*slice, &self.slices).transpose());
        let views = views.collect::<Result<Vec<_>, _>>()?;
        Ok(scale.search_only(&tensors(&views))?)
    }

    /// Copies each slice from the rank that steps it to the others, also where the loss scale has skipped the
    /// step: the host need not know that.
    fn share_steps(&self, stepping: &[(SliceId, usize)]) -> Result<(), Error> {
        let _no_grad = tch::no_grad_guard();
        let mut values = Vec::with_capacity(stepping.len());
        let mut owners = Vec::with_capacity(stepping.len());
        for (slice, owner) in stepping {
            if let Some(value) = self.slices.values(*slice)? {
                values.push(value);
                owners.push(*owner);
            }
        }
        self.group.broadcast_from("`step`", &values.iter().collect::<List<'_>>(), owners)
    }

    fn step_slices(&mut self, scale: Option<&mut GradScale>) -> Result<(), Error> {
        self.anchors.extend(&self.slices, &self.clock)?;
        let groups = self.clock.groups();
        // `attach` has checked that each parameter that is ever trained has all of these.
        let hyper_params = groups.iter().map(|group| hyper_params(group).ok_or(Error::NoOptimizer));
        let hyper_params = hyper_params.collect::<Result<Vec<_>, _>>()?;
        let mut group_of = vec![None; self.slices.count()];
        for (index, group) in groups.iter().enumerate() {
            for slice in &group.slices {
                if let Some(of) = group_of.get_mut(slice.index()) {
                    *of = Some(index);
                }
            }
        }
        let mut views = Vec::with_capacity(group_of.len());
        // The slice before, of the same parameter and group.
        let mut before = None;
        let all = self.clock.plan().slice_ids().zip(self.clock.plan().slices());
        let is_own = self.own_slices();
        let own = self.states.iter_mut().zip(group_of).zip(is_own);
        for ((slice, of), ((state, group), is_own)) in all.zip(own) {
            let group = group.filter(|_| is_own);
            let this = group.map(|group| (of.parameter, group));
            let follows = this.is_some() && before == this;
            before = this;
            if let Some(group) = group
                && let Some(view) = self.masters.view(slice, &self.slices)?
            {
                let toward = self.anchors.value(slice);
                views.push((group, view, state, follows, toward));
            }
        }
        let mut slots: Vec<Vec<ParamSlot<'_>>> =
            groups.iter().map(|group| Vec::with_capacity(group.slices.len())).collect();
        for (index, parameter, state, follows, toward) in &mut views {
            let Some((slots, group)) = slots.get_mut(*index).zip(groups.get(*index)) else {
                continue;
            };
            let share = group.lr.unwrap_or_default() * group.anchor;
            let pull = toward.filter(|_| group.anchor > 0.0);
            let pull = pull.map(|toward| AnchorPull { toward, share });
            slots.push(ParamSlot { parameter, state, follows: *follows, pull });
        }
        Ok(optim::step(hyper_params.into_iter().zip(slots), scale)?)
    }
}
