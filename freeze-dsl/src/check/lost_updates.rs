//! Learning rates at which updates of half precision round to nothing.

use crate::clock::Clock;
use crate::diagnostic::{Code, Diagnostic, quoted, short_number};
use crate::index::SliceId;
use crate::ir::Optimizer;
use crate::plan::Plan;
use crate::source::Span;

/// The highest learning rate with which a slice trains.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HighestRate {
    /// The slice.
    pub slice: SliceId,
    /// Its highest learning rate.
    pub lr: f64,
    /// Its optimizer there.
    pub optimizer: Optimizer,
    /// The rule from which on it has that.
    pub place: Span,
}

/// Parameters of half precision that hardly move.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq)]
pub struct LostUpdates {
    /// Their slices, in the model's order.
    pub slices: Vec<SliceId>,
    /// Their highest learning rate, their optimizer there, and the rule.
    pub rate: HighestRate,
    /// Their dtype, such as `bf16`.
    pub dtype: &'static str,
    /// The share of their elements that an update of the learning rate's size does not move.
    pub share: f64,
    /// The mean size of their elements.
    pub mean: f64,
    /// Half a unit in the last place of that mean.
    pub half_unit: f64,
}

impl Clock {
    /// The highest learning rate of every slice that ever trains, with a learning rate and an optimizer,
    /// in the order of slices.
    #[doc(hidden)]
    #[must_use]
    pub fn highest_rates(&self) -> Vec<HighestRate> {
        let mut highest: Vec<Option<HighestRate>> = vec![None; self.plan().slices().len()];
        self.each_phase(|phase| {
            for (slice, group) in phase.at_highest() {
                let Some((lr, optimizer)) = group.lr.zip(group.optimizer) else { continue };
                let known = highest.get_mut(slice.index());
                if let Some(known) = known.filter(|it| it.is_none_or(|it| it.lr < lr)) {
                    *known = Some(HighestRate { slice, lr, optimizer, place: phase.place });
                }
            }
        });
        highest.into_iter().flatten().collect()
    }
}

impl Plan {
    /// The finding that updates of parameters of half precision mostly round to nothing.
    #[doc(hidden)]
    #[must_use]
    pub fn lost_updates(&self, lost: &LostUpdates) -> Diagnostic {
        let LostUpdates { slices, rate, dtype, share, mean, half_unit } = lost;
        let (lr, optimizer) = (short_number(rate.lr), rate.optimizer.name());
        let first = slices.first().map_or(String::new(), |slice| quoted(&self.slice_name(*slice)));
        let more = match slices.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let percent = (share * 100.0).floor();
        let message = format!(
            "at a learning rate of {lr:e}, {percent}% of the elements of {first}{more} cannot move"
        );
        Diagnostic::new(Code::LostUpdates, rate.place, message)
            .label(format!("an update below half a unit in the last place of {dtype} rounds to nothing"))
            .note(format!(
                "an update of {optimizer} is about {lr:e}, and half a unit in the last place of their \
                 mean size, {mean:.1e}, is {half_unit:.1e}"
            ))
            .note("use `master_weights(true)`, or parameters of f32 and `autocast`")
    }
}
