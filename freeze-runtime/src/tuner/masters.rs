//! Parameters of half precision in f32, in which they step.

use freeze_dsl::clock::{self, Clock};
use freeze_dsl::plan::SliceId;
use tch::{Kind, TchError, Tensor};

use super::param_views::{ParamSlices, ParamView};
use crate::ffi;
use crate::optim::gradients;

/// The masters of slices of half precision: made when a slice first steps, rounded into the slice after
/// each step, and dropped when it freezes or is restored.
///
/// Before clipping or a step, gradients move to the masters. Where another rank steps a slice, its gradient
/// moves to a stand-in without values.
pub(super) struct Masters {
    are_used: bool,
    /// An entry for each slice.
    values: Vec<Option<Tensor>>,
    /// The masters that have a gradient, those of slices that have not stepped yet included.
    pending: Vec<Option<Tensor>>,
    /// Tensors with the gradients of slices that other ranks step.
    stand_ins: Vec<Option<Tensor>>,
    /// What the slices with masters were like when the tuner last wrote to them.
    marks: Vec<Option<SliceMark>>,
}

/// What changes when a program writes to a slice, or gives it other memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SliceMark {
    memory: usize,
    version: i64,
}

impl SliceMark {
    fn of(values: &Tensor) -> Result<Self, TchError> {
        Ok(Self { memory: values.data_ptr().addr(), version: values.f_internal_version()? })
    }
}

impl Masters {
    pub(super) fn new(are_used: bool, slices: usize) -> Self {
        Self {
            are_used,
            values: none(slices),
            pending: none(slices),
            stand_ins: none(slices),
            marks: vec![None; slices],
        }
    }

    /// Whether parameters of half precision step in masters.
    pub(super) const fn are_used(&self) -> bool {
        self.are_used
    }

    /// The masters that there are.
    pub(super) fn all(&self) -> impl Iterator<Item = (SliceId, &Tensor)> {
        let values = self.values.iter().enumerate();
        values.filter_map(|(index, value)| Some((SliceId::new(index), value.as_ref()?)))
    }

    /// Their memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.all().map(|(_, value)| value.numel() * value.kind().elt_size_in_bytes()).sum()
    }

    /// What a slice steps as: a tensor like it, or like its master.
    pub(super) fn like(&self, values: &Tensor) -> Result<Tensor, TchError> {
        if self.are_used && is_half(values.f_kind()?) {
            values.f_empty_like()?.f_to_kind(Kind::Float)
        } else {
            Ok(values.shallow_clone())
        }
    }

    /// The master of a slice, if it has one.
    pub(super) fn value(&self, slice: SliceId) -> Option<&Tensor> {
        self.values.get(slice.index())?.as_ref()
    }

    /// Drops the masters of all slices but these.
    pub(super) fn keep(&mut self, is_kept: &[bool]) {
        for (value, is_kept) in self.values.iter_mut().zip(is_kept) {
            value.take_if(|_| !is_kept);
        }
    }

    /// The slice as it steps or is clipped: its master where that has a gradient.
    pub(super) fn view<'s>(
        &self,
        slice: SliceId,
        slices: &'s ParamSlices,
    ) -> Result<Option<ParamView<'s>>, TchError> {
        let [pending, stand_in] = [&self.pending, &self.stand_ins]
            .map(|all| all.get(slice.index()).and_then(Option::as_ref));
        match pending.or(stand_in) {
            Some(master) => Ok(Some(ParamView::Rows(master.shallow_clone()))),
            None => slices.view(slice),
        }
    }

    /// Takes over what the program has written to slices since the tuner wrote to them.
    pub(super) fn follow(&mut self, slices: &ParamSlices) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        let mut has_written = false;
        for index in 0..self.marks.len() {
            let mark = self.marks.get(index).copied().flatten();
            let Some((mark, master)) = mark.zip(self.master(index)) else { continue };
            let Some(values) = slices.values(SliceId::new(index))? else { continue };
            if SliceMark::of(&values)? != mark {
                // Its gradient stays.
                master.shallow_clone().f_copy_(&values.f_detach()?)?;
                has_written = true;
            }
        }
        if has_written { self.mark(slices) } else { Ok(()) }
    }

    /// Notes what the slices with masters are like, after the tuner has written to some of them.
    pub(super) fn mark(&mut self, slices: &ParamSlices) -> Result<(), TchError> {
        for index in 0..self.marks.len() {
            let values = match self.master(index) {
                Some(_) => slices.values(SliceId::new(index))?,
                None => None,
            };
            let known = values.map(|values| SliceMark::of(&values)).transpose()?;
            if let Some(mark) = self.marks.get_mut(index) {
                *mark = known;
            }
        }
        Ok(())
    }

    /// The master of a slice, that of its first step included.
    fn master(&self, index: usize) -> Option<&Tensor> {
        let pending = self.pending.get(index).and_then(Option::as_ref);
        pending.or_else(|| self.values.get(index)?.as_ref())
    }

    /// Moves the gradients of trainable slices of half precision to their masters, all or none; those of
    /// slices that other ranks step, to stand-ins.
    pub(super) fn take_gradients(
        &mut self,
        slices: &ParamSlices,
        clock: &Clock,
        is_own: &[bool],
    ) -> Result<(), TchError> {
        if !self.are_used {
            return Ok(());
        }
        self.follow(slices)?;
        let _no_grad = tch::no_grad_guard();
        let mut taken = Vec::new();
        let mut stood_in = Vec::new();
        for slice in clock.trainable() {
            let Some(view) = slices.view(slice)? else { continue };
            let gradient = view.f_grad()?;
            if !is_half(view.f_kind()?) || !gradient.defined() {
                continue;
            }
            let gradient = gradient.f_to_kind(Kind::Float)?;
            if is_own.get(slice.index()) == Some(&false) {
                let known = self.stand_ins.get(slice.index()).and_then(Option::as_ref);
                stood_in.push(match known {
                    Some(it) => (slice, it.shallow_clone(), it.f_grad()?.f_add(&gradient)?),
                    None => (slice, without_values(&gradient)?, gradient),
                });
                continue;
            }
            taken.push(match self.pending.get(slice.index()).and_then(Option::as_ref) {
                Some(master) => (slice, master.shallow_clone(), master.f_grad()?.f_add(&gradient)?),
                None => match self.values.get(slice.index()).and_then(Option::as_ref) {
                    Some(master) => (slice, master.shallow_clone(), gradient),
                    None => (slice, view.f_detach()?.f_to_kind(Kind::Float)?, gradient),
                },
            });
        }
        for (slice, master, gradient) in taken {
            ffi::set_gradient(&master, &gradient)?;
            if let Some(pending) = self.pending.get_mut(slice.index()) {
                *pending = Some(master);
            }
        }
        for (slice, stand_in, gradient) in stood_in {
            ffi::set_gradient(&stand_in, &gradient)?;
            if let Some(known) = self.stand_ins.get_mut(slice.index()) {
                *known = Some(stand_in);
            }
        }
        self.mark(slices)?;
        let mut moved = slices.trainable(clock);
        moved.retain(|parameter| is_half(parameter.kind()));
        gradients::zero(&moved)
    }

    /// Rounds the masters that have stepped into their slices.
    pub(super) fn round(&mut self, slices: &ParamSlices) -> Result<(), TchError> {
        if !self.are_used {
            return Ok(());
        }
        let mut rounded = Vec::new();
        let mut masters = Vec::new();
        for (index, pending) in self.pending.iter_mut().enumerate() {
            if let Some(master) = pending.take() {
                rounded.extend(slices.values(SliceId::new(index))?);
                masters.push(master.shallow_clone());
                if let Some(value) = self.values.get_mut(index) {
                    *value = Some(master);
                }
            }
        }
        ffi::copy_all(&rounded.iter().collect(), &masters.iter().collect())?;
        self.mark(slices)?;
        self.stand_ins.fill_with(|| None);
        ffi::drop_gradients(&masters.iter().collect())
    }

    /// Clears the gradients of masters.
    pub(super) fn clear(&mut self) -> Result<(), TchError> {
        self.stand_ins.fill_with(|| None);
        let pending: Vec<Tensor> = self.pending.iter_mut().filter_map(Option::take).collect();
        ffi::drop_gradients(&pending.iter().collect())
    }

    /// Clears the gradients of slices that were touched by a transition, and drops the masters of those
    /// that froze without keeping their state or that were restored.
    pub(super) fn update(
        &mut self,
        change: &clock::Transition,
        touched: &[SliceId],
        clock: &Clock,
    ) -> Result<(), TchError> {
        if !self.are_used {
            return Ok(());
        }
        let mut is_gone = vec![false; self.values.len()];
        let mut is_cleared = vec![false; self.values.len()];
        let restores = change.restored.iter().filter(|restore| restore.observed.is_some());
        let is_frozen = |slice: &&SliceId| {
            !clock.trains(**slice) || change.interrupted.binary_search(slice).is_ok()
        };
        for restore in restores {
            match &restore.slices {
                Some(slices) => mark(&mut is_gone, slices.iter().copied()),
                None => is_gone.fill(true),
            }
        }
        mark(&mut is_gone, change.dropped.iter().filter(is_frozen).copied());
        mark(&mut is_cleared, touched.iter().copied());
        let mut cleared = Vec::new();
        let slots = self.values.iter_mut().zip(self.pending.iter_mut().zip(&mut self.stand_ins));
        for ((value, (pending, stand_in)), (is_gone, is_cleared)) in
            slots.zip(is_gone.iter().zip(is_cleared))
        {
            cleared.extend(pending.take_if(|_| *is_gone || is_cleared));
            stand_in.take_if(|_| *is_gone || is_cleared);
            value.take_if(|_| *is_gone);
        }
        ffi::drop_gradients(&cleared.iter().collect())
    }

    /// The same with the masters of a checkpoint, an entry for each slice.
    pub(super) fn resumed(&self, values: Vec<Option<Tensor>>) -> Self {
        Self { values, ..Self::new(self.are_used, self.marks.len()) }
    }
}

/// Whether a type is one of those that have masters.
pub(super) const fn is_half(kind: Kind) -> bool {
    matches!(kind, Kind::BFloat16 | Kind::Half)
}

/// A tensor with the shape of another, in the memory of one number.
fn without_values(like: &Tensor) -> Result<Tensor, TchError> {
    Tensor::f_empty([], (like.f_kind()?, like.device()))?.f_expand(like.size(), false)
}

/// Sets the marks of slices.
pub(super) fn mark(marks: &mut [bool], slices: impl IntoIterator<Item = SliceId>) {
    for slice in slices {
        if let Some(mark) = marks.get_mut(slice.index()) {
            *mark = true;
        }
    }
}

fn none(count: usize) -> Vec<Option<Tensor>> {
    std::iter::repeat_with(|| None).take(count).collect()
}
