//! Learning rates as levels of a logarithmic scale, and what a legend says of it.

use freeze_dsl::picture::{ColumnState, Drawing, Picture};

/// How many levels there are.
pub(crate) const LEVELS: usize = 24;

/// Of each row, so many of its cells may be below the scale: a curve that falls to 0 would otherwise take
/// all of it. A rate that stays is always on it.
const BELOW: usize = 10;

/// Rates so many times lower than the highest are all at the lowest level.
const SPAN: f64 = 1e4;

/// Rates that differ by less than this factor are at one level.
const ALIKE: f64 = 1.2;

/// A logarithmic scale of learning rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RateScale {
    lowest: f64,
    pub(crate) highest: f64,
    /// Whether there are rates below the lowest one of the scale.
    pub(crate) is_cut: bool,
}

/// What a legend has about learning rates.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum RateEntry {
    /// One level.
    Level { level: usize, text: String },
    /// All levels, and what is written at both ends.
    Levels { lowest: String, highest: String },
}

impl RateEntry {
    /// The entries of a legend; without a scale, that of a rate of 0 where there are rates.
    pub(crate) fn all(scale: Option<&RateScale>, has_rates: bool) -> Vec<Self> {
        let one = |level, text| Self::Level { level, text };
        let Some(scale) = scale else {
            let zero = has_rates.then(|| one(0, "learning rate 0".to_owned()));
            return zero.into_iter().collect();
        };
        if !scale.is_single() {
            let least = if scale.is_cut { "≤ " } else { "" };
            let lowest = format!("{least}{}", rounded(scale.lowest));
            return vec![Self::Levels { lowest, highest: rounded(scale.highest) }];
        }
        let highest = one(LEVELS - 1, format!("learning rate {}", rounded(scale.highest)));
        let below = scale.is_cut.then(|| one(0, "0".to_owned()));
        std::iter::once(highest).chain(below).collect()
    }
}

impl RateScale {
    /// The scale of a drawing of a picture. It reaches up to the highest rate of all drawings, so that it
    /// is one scale for every choice of the moments that metrics decide.
    pub(crate) fn of_drawing(picture: &Picture, drawing: &Drawing) -> Option<Self> {
        let all = || picture.states.iter().filter_map(ColumnState::lr);
        let drawn = Self::of(picture.rates(drawing));
        Some(drawn.or_else(|| Self::of(std::iter::once(all().collect())))?.with(all()))
    }

    /// The scale of the rates of some parameters; `None` if none of them is above 0.
    fn of(rows: impl Iterator<Item = Vec<f64>>) -> Option<Self> {
        let (mut least, mut lowest, mut highest) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
        for mut rates in rows {
            rates.sort_unstable_by(f64::total_cmp);
            least = least.min(rates.first().copied().unwrap_or(f64::INFINITY));
            highest = highest.max(rates.last().copied().unwrap_or_default());
            let mut above = rates.iter().skip(rates.len() / BELOW);
            let own = above.find(|rate| **rate > 0.0);
            lowest = lowest.min(own.copied().unwrap_or(f64::INFINITY));
        }
        let lowest = lowest.min(highest).max(highest / SPAN);
        let scale = Self { lowest, highest, is_cut: false };
        (highest > 0.0).then(|| Self { is_cut: least < scale.cut(), ..scale })
    }

    /// The scale up to the highest of `rates` as well. It stays the same while others of them are drawn.
    fn with(self, rates: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut highest) = (f64::INFINITY, self.highest);
        for rate in rates {
            (least, highest) = (least.min(rate), highest.max(rate));
        }
        let scale = Self { highest, ..self };
        Self { is_cut: self.is_cut || least < scale.cut(), ..scale }
    }

    /// Rates below it are not on the scale.
    fn cut(&self) -> f64 {
        if self.is_single() { self.lowest / ALIKE } else { self.lowest }
    }

    /// Whether all rates are alike.
    pub(crate) fn is_single(&self) -> bool {
        self.lowest * ALIKE > self.highest
    }

    /// Where a rate is between the lowest and the highest, from 0 to 1.
    fn part(&self, rate: f64) -> f64 {
        if self.is_single() {
            return if rate < self.cut() { 0.0 } else { 1.0 };
        }
        let part = (rate / self.lowest).ln() / (self.highest / self.lowest).ln();
        // A rate of 0 is minus infinity here.
        part.clamp(0.0, 1.0)
    }

    /// The level of a rate.
    pub(crate) fn level(&self, rate: f64) -> usize {
        self.level_of(rate, LEVELS)
    }

    /// The level of a rate, where there are so many.
    pub(crate) fn level_of(&self, rate: f64, levels: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a level is small"
        )]
        let level = (self.part(rate) * (levels - 1) as f64).round() as usize;
        level
    }

    /// The lowest and the highest rate of a level, where there are so many.
    pub(crate) fn bounds(&self, level: usize, levels: usize) -> (f64, f64) {
        #[expect(clippy::cast_precision_loss, reason = "a level is small")]
        let at = |part: f64| {
            let part = (part / (levels - 1) as f64).clamp(0.0, 1.0);
            self.lowest * (self.highest / self.lowest).powf(part)
        };
        #[expect(clippy::cast_precision_loss, reason = "a level is small")]
        let level = level as f64;
        (at(level - 0.5), at(level + 0.5))
    }
}

/// The lowest and the highest of some rates, with as many digits as tell them apart, at least two.
pub(crate) fn bounds_shown(lowest: f64, highest: f64) -> String {
    let digits = |digits: usize, rate: f64| format!("{rate:.digits$e}").parse().unwrap_or(rate);
    let apart = (1..=16).find(|of| digits(*of, lowest) < digits(*of, highest));
    let [lowest, highest] = [lowest, highest].map(|rate| plain(digits(apart.unwrap_or(1), rate)));
    if lowest == highest { lowest } else { format!("{lowest} to {highest}") }
}

/// A rate with at most two digits, for an end of the scale.
pub(crate) fn rounded(rate: f64) -> String {
    shown(format!("{rate:.1e}").parse().unwrap_or(rate))
}

/// A rate with at most three digits.
pub(crate) fn shown(rate: f64) -> String {
    plain(format!("{rate:.2e}").parse().unwrap_or(rate))
}

fn plain(short: f64) -> String {
    if short == 0.0 || (0.01..1000.0).contains(&short) {
        format!("{short}")
    } else {
        format!("{short:e}")
    }
}

/// A count of numbers with a unit: `8.4 M`.
pub(crate) fn counted(count: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a count with two digits")]
    let mut amount = count as f64;
    let mut unit = "";
    for larger in [" k", " M", " G", " T"] {
        if amount < 999.5 {
            break;
        }
        (amount, unit) = (amount / 1000.0, larger);
    }
    let decimals = usize::from(amount < 9.95 && !unit.is_empty());
    format!("{amount:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_even_steps_of_the_logarithm() {
        let scale = RateScale::of([vec![1e-3, 1e-6], vec![1e-4]].into_iter()).unwrap();
        let levels = [1e-6, 1e-5, 1e-4, 1e-3].map(|rate| scale.level_of(rate, 16));
        assert_eq!(levels, [0, 5, 10, 15]);
        assert_eq!((scale.level(0.0), scale.level(1.0), scale.is_cut), (0, LEVELS - 1, false));
    }

    #[test]
    fn other_rates_extend_it_upwards_alone() {
        let scale = RateScale::of(std::iter::once(vec![1e-4, 1e-3])).unwrap();
        let with = |rates: &[f64]| scale.with(rates.iter().copied());
        assert_eq!(with(&[1e-2, 1e-4]), RateScale { highest: 1e-2, ..scale });
        assert_eq!(with(&[1e-5]), RateScale { is_cut: true, ..scale });
    }

    #[test]
    fn a_fall_to_zero_does_not_take_the_scale() {
        let of = |rows: &[Vec<f64>]| RateScale::of(rows.iter().cloned());
        let curve: Vec<f64> = (0..30).map(|at| f64::from(at) * 1e-4).collect();
        let scale = of(std::slice::from_ref(&curve)).unwrap();
        assert!((scale.lowest - 3e-4).abs() < 1e-12 && scale.is_cut, "{scale:?}");
        // What stays is not below the scale, however few cells it has.
        let scale = of(&[curve, vec![1e-5; 30]]).unwrap();
        assert!((scale.lowest - 1e-5).abs() < 1e-12 && scale.is_cut, "{scale:?}");
        assert!((of(&[vec![1.0], vec![1e-9]]).unwrap().lowest - 1e-4).abs() < 1e-12);
        assert_eq!(of(&[vec![0.0]]), None);
        let single = of(&[vec![1e-3, 0.0]]).unwrap();
        assert_eq!((single.level(1e-3), single.level(0.0), single.is_cut), (LEVELS - 1, 0, true));
    }

    #[test]
    fn rates_that_are_alike_are_one_level() {
        let scale = RateScale::of([vec![1e-3], vec![1.004e-3, 1.03e-3]].into_iter()).unwrap();
        assert!(scale.is_single() && !scale.is_cut, "{scale:?}");
        assert_eq!([1e-3, 1.03e-3].map(|rate| scale.level(rate)), [LEVELS - 1; 2]);
        assert_eq!((scale.level(0.0), scale.level(5e-4)), (0, 0));
    }

    #[test]
    fn the_ends_of_a_level_are_told_apart() {
        assert_eq!(bounds_shown(1e-3, 1.004e-3), "1e-3 to 1.004e-3");
        assert_eq!(bounds_shown(1.234e-5, 5.678e-3), "1.2e-5 to 5.7e-3");
        assert_eq!(bounds_shown(1e-3, 1e-3), "1e-3");
    }

    #[test]
    fn the_bounds_of_levels_touch() {
        let scale = RateScale::of([vec![1e-3, 1e-6]].into_iter()).unwrap();
        assert!((scale.bounds(1, 4).1 - scale.bounds(2, 4).0).abs() < 1e-15);
        assert!((scale.bounds(0, 4).0 - 1e-6).abs() < 1e-15);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [1e-3, 5e-5, 0.01, 2.346e-6, 0.0].map(shown),
            ["1e-3", "5e-5", "0.01", "2.35e-6", "0"]
        );
        assert_eq!(
            [7, 999, 1_500, 8_400_000, 84_000_000].map(counted),
            ["7", "999", "1.5 k", "8.4 M", "84 M"]
        );
    }
}
