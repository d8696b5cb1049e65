//! The mean and the deviation of several measurements.

/// The spread of several measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation; 0 for one measurement.
    pub deviation: f64,
}

impl Spread {
    /// The spread of these values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let count = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: (squares / (count - 1.0).max(1.0)).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn of_two_and_of_one() {
        assert_eq!(Spread::of([1.0, 3.0]), Spread { mean: 2.0, deviation: 2.0_f64.sqrt() });
        assert_eq!(Spread::of([1.0]), Spread { mean: 1.0, deviation: 0.0 });
    }
}
