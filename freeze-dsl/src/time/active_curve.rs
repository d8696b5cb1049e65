//! Curves that have begun, and their values.

use std::sync::Arc;

use super::{CountedPeriod, Lengths, Time};
use crate::ir::{CurvePiece, Period, RampShape, ValueCurve};

/// A curve that has begun.
#[derive(Debug, Clone)]
pub(crate) struct ActiveCurve {
    curve: Arc<ValueCurve>,
    pub(crate) at: CurvePosition,
}

/// How far a curve has progressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurvePosition {
    /// The index of the current piece.
    pub(crate) piece: usize,
    /// When that piece began.
    pub(crate) since: Time,
    /// Whether its end has frozen the parameters that follow it, which happens once.
    pub(crate) has_frozen: bool,
}

impl ActiveCurve {
    pub(crate) const fn new(curve: Arc<ValueCurve>, since: Time) -> Self {
        Self { curve, at: CurvePosition { piece: 0, since, has_frozen: false } }
    }

    /// A curve at a position that it had before.
    pub(crate) const fn resumed(curve: Arc<ValueCurve>, at: CurvePosition) -> Self {
        Self { curve, at }
    }

    pub(crate) fn curve(&self) -> &ValueCurve {
        &self.curve
    }

    /// Whether it is this very curve, not just one like it.
    pub(crate) fn is(&self, curve: &Arc<ValueCurve>) -> bool {
        Arc::ptr_eq(&self.curve, curve)
    }

    /// A number that no other curve of the plan has.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.curve).addr()
    }

    /// Whether both are of the very same curve, begun at whatever moments.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.curve, &other.curve)
    }

    /// Advances to the piece that applies now.
    pub(crate) fn advance(&mut self, now: Time, lengths: &Lengths) {
        while let Some(length) = self.length(lengths) {
            let has_next = self.at.piece + 1 < self.curve.pieces.len();
            if !has_next || !length.is_over(self.at.since, now) {
                return;
            }
            self.at.since = length.end(self.at.since, now);
            self.at.piece += 1;
        }
    }

    /// Whether the last piece is over.
    pub(crate) fn is_over(&self, now: Time, lengths: &Lengths) -> bool {
        self.at.piece + 1 == self.curve.pieces.len()
            && self.length(lengths).is_some_and(|length| length.is_over(self.at.since, now))
    }

    /// How long the piece is, from its beginning, if its end is yet to come and changes what follows.
    pub(crate) fn rest(&self, now: Time, lengths: &Lengths) -> Option<CountedPeriod> {
        let is_done = self.is_over(now, lengths) && (self.at.has_frozen || !self.curve.then_freeze);
        self.length(lengths).filter(|_| !is_done)
    }

    /// How long the piece is; `None` where it never ends.
    fn length(&self, lengths: &Lengths) -> Option<CountedPeriod> {
        match *self.curve.pieces.get(self.at.piece)? {
            CurvePiece::Hold(_)
            | CurvePiece::InverseSqrt { .. }
            | CurvePiece::Ramp { repeat: Some(_), .. }
            | CurvePiece::Staircase { to: None, .. } => None,
            CurvePiece::Ramp { over, .. } => Some(lengths.count(over, self.at.since)),
            CurvePiece::Staircase { from, factor, every, to: Some(to) } => {
                // The number of stairs until the bound, less a tolerance: a quotient of logarithms
                // that should be whole may be slightly above.
                let stairs = (to / from).ln() / factor.ln() - 1e-9;
                Some(lengths.count(every, self.at.since).times(stairs.ceil().max(0.0)))
            }
        }
    }

    fn stairs(&self, every: Period, now: Time, lengths: &Lengths) -> f64 {
        // With a tolerance: 3 epochs of thirds of an epoch are 9 stairs, not 8.99.
        (lengths.count(every, self.at.since).passed(self.at.since, now) + 1e-9).floor()
    }

    /// The value at this moment. Formulas: `torch.optim.lr_scheduler`'s `LinearLR`,
    /// `CosineAnnealingLR`, `ExponentialLR`, `PolynomialLR`, `StepLR`
    /// (<https://docs.pytorch.org/docs/stable/optim.html>), warm restarts as in Loshchilov and
    /// Hutter, "SGDR" (<https://arxiv.org/abs/1608.03983>), the inverse square root as in Vaswani
    /// et al., "Attention is all you need" (<https://arxiv.org/abs/1706.03762>).
    pub(crate) fn value(&self, now: Time, lengths: &Lengths) -> f64 {
        match self.curve.pieces.get(self.at.piece) {
            None => 0.0,
            Some(CurvePiece::Hold(value)) => *value,
            Some(CurvePiece::Ramp { shape, from, to, over, repeat }) => {
                let length = lengths.count(*over, self.at.since);
                let progress = match repeat {
                    None => length.passed(self.at.since, now).min(1.0),
                    Some(stretching) => in_round(length, *stretching, self.at.since, now),
                };
                between(*shape, *from, *to, progress)
            }
            Some(CurvePiece::InverseSqrt { from, over }) => {
                let passed = lengths.count(*over, self.at.since).passed(self.at.since, now);
                from / (1.0 + passed).sqrt()
            }
            Some(CurvePiece::Staircase { from, factor, every, to }) => {
                // A value that grows without a bound stays finite. One below 0 has the size of the
                // one above.
                let (first, last) = (from.abs(), to.map(f64::abs));
                let size = (first * factor.powf(self.stairs(*every, now, lengths))).min(f64::MAX);
                let size = match last {
                    Some(last) if *factor < 1.0 => size.max(last.min(first)),
                    Some(last) => size.min(last.max(first)),
                    None => size,
                };
                size.copysign(*from)
            }
        }
    }
}

/// The progress of the current round, where each round is longer than the previous by a factor.
fn in_round(first: CountedPeriod, stretching: f64, since: Time, now: Time) -> f64 {
    if stretching <= 1.0 {
        return first.passed_of_last(since, now);
    }
    let passed = first.passed(since, now);
    // Rounds are rounded to whole steps each, so they are gone through one by one; they grow by
    // a factor, so there are few.
    let (mut length, mut since, mut longer) = (first, since, 1.0);
    while length.is_over(since, now) && passed.is_finite() {
        let next = length.end(since, now);
        if next == since {
            return 1.0;
        }
        since = next;
        // A multiple of the first round, so that rounding errors do not add up.
        longer *= stretching;
        length = first.times(longer);
    }
    length.passed(since, now)
}

fn between(shape: RampShape, from: f64, to: f64, progress: f64) -> f64 {
    match shape {
        // Both ends are exact, whatever the rounding between them.
        _ if progress <= 0.0 => from,
        _ if progress >= 1.0 => to,
        RampShape::Linear => from + (to - from) * progress,
        RampShape::Cosine => {
            to + (from - to) * (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0
        }
        RampShape::Exp => from * (to / from).powf(progress),
        RampShape::Sqrt => to + (from - to) * (1.0 - progress.sqrt()),
        RampShape::Power(exponent) => to + (from - to) * (1.0 - progress).powf(exponent),
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    fn running(piece: CurvePiece) -> ActiveCurve {
        ActiveCurve::new(
            Arc::new(ValueCurve { pieces: vec![piece], then_freeze: false }),
            Time::default(),
        )
    }

    fn at(steps: u64) -> Time {
        Time::at_step(steps)
    }

    #[test]
    fn rounds_grow() {
        let curve = running(CurvePiece::Ramp {
            shape: RampShape::Linear,
            from: 1.0,
            to: 0.0,
            over: Period::Steps(10.0),
            repeat: Some(2.0),
        });
        let value = |steps| curve.value(at(steps), &Lengths::default());
        assert_eq!([0, 5, 10, 20, 30, 50, 70].map(value), [1.0, 0.5, 1.0, 0.5, 1.0, 0.5, 1.0]);
    }

    #[test]
    fn stairs_stop_at_their_bound() {
        let curve = running(CurvePiece::Staircase {
            from: 1.0,
            factor: 0.1,
            every: Period::Steps(2.0),
            to: Some(0.005),
        });
        let value = |steps| curve.value(at(steps), &Lengths::default());
        assert_eq!([0, 1, 2].map(value), [1.0, 1.0, 0.1]);
        assert_eq!([6, 600].map(value), [0.005, 0.005]);
        let over = |steps| curve.is_over(at(steps), &Lengths::default());
        assert_eq!([0, 5, 6].map(over), [false, false, true]);
    }

    #[test]
    fn what_follows_stairs_begins_at_their_end() {
        let stairs = CurvePiece::Staircase {
            from: 1.0,
            factor: 0.1,
            every: Period::Steps(2.0),
            to: Some(0.01),
        };
        let ramp = CurvePiece::Ramp {
            shape: RampShape::Linear,
            from: 8.0,
            to: 0.0,
            over: Period::Steps(8.0),
            repeat: None,
        };
        let curve = ValueCurve { pieces: vec![stairs, ramp], then_freeze: false };
        let mut running = ActiveCurve::new(Arc::new(curve), Time::default());
        let mut value = |steps| {
            running.advance(at(steps), &Lengths::default());
            running.value(at(steps), &Lengths::default())
        };
        assert_eq!([0, 2, 4, 5, 12].map(&mut value), [1.0, 0.1, 8.0, 7.0, 0.0]);
    }

    #[test]
    fn rounds_are_exact_however_many_there_were() {
        let curve = running(CurvePiece::Ramp {
            shape: RampShape::Linear,
            from: 0.0,
            to: 1.0,
            over: Period::Steps(3.0),
            repeat: Some(1.0),
        });
        let value = curve.value(at(3_000_000_000_001), &Lengths::default());
        assert_eq!(value.to_bits(), (1.0_f64 / 3.0).to_bits());
    }
}
