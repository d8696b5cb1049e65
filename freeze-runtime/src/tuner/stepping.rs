//! Makes a step of all groups.

use tch::Tensor;

use super::param_views::ParamView;
use super::{Tuner, hyper_params, tensors};
use crate::Error;
use crate::optim::{self, AnchorPull, GradScale, ParamSlot};

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
        self.masters.take_gradients(&self.slices, &self.clock)?;
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
        self.masters.take_gradients(&self.slices, &self.clock)?;
        let mut scaler = self.scaler.take();
        let found_inf = match &mut scaler {
            Some(scaler) => scaler.step(|scale| self.step_slices(scale)),
            None => self.step_slices(None).map(|()| None),
        };
        self.scaler = scaler;
        self.grad_means.step(found_inf?.as_ref())?;
        self.averaged.clear();
        Ok(self.masters.round(&self.slices)?)
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
        for ((slice, of), (state, group)) in all.zip(self.states.iter_mut().zip(group_of)) {
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
