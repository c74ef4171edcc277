//! Mean and standard deviation over seeds.

use serde::Serialize;

/// Statistics of a number over the seeds that have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeanStd {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (divided by n - 1); `None` for a single value.
    pub std: Option<f64>,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// Number of values.
    pub n: usize,
}

impl MeanStd {
    /// The statistics of `values`, without those that are missing or not finite; `None` where none
    /// is left.
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let values: Vec<f64> =
            values.into_iter().flatten().filter(|value| value.is_finite()).collect();
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            std: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            n,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_sample_deviation() {
        let found = MeanStd::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(Some)).unwrap();
        assert_eq!((found.mean, found.min, found.max, found.n), (5.0, 2.0, 9.0, 8));
        // Squares sum to 32; 32 / 7 under the root.
        assert!((found.std.unwrap() - 2.138_089_935_299_395).abs() < 1e-12);
    }

    #[test]
    fn one_value_has_no_deviation() {
        let found = MeanStd::of([Some(0.25)]).unwrap();
        assert_eq!((found.mean, found.std, found.n), (0.25, None, 1));
    }

    #[test]
    fn what_is_missing_or_not_finite_does_not_count() {
        let found = MeanStd::of([Some(1.0), None, Some(f64::NAN), Some(3.0), Some(f64::INFINITY)]);
        assert_eq!(found.map(|found| (found.mean, found.n)), Some((2.0, 2)));
        assert_eq!(MeanStd::of([None, Some(f64::NAN)]), None);
    }
}
