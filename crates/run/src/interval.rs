//! How far to trust a share of a number of images.

/// The 95 % Wilson score interval of a share of `correct` out of `total`; all of 0..=1 for no
/// trials.
///
/// # Reference
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
pub fn wilson_interval(correct: u64, total: u64) -> [f64; 2] {
    if total == 0 {
        return [0.0, 1.0];
    }
    // The 97.5 % point of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    let n = total as f64;
    let p = correct as f64 / n;
    let center = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((center - half) / scale).max(0.0), ((center + half) / scale).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_of_literal_counts() {
        let near = |got: [f64; 2], want: [f64; 2]| {
            assert!((got[0] - want[0]).abs() < 1e-6 && (got[1] - want[1]).abs() < 1e-6, "{got:?}");
        };
        near(wilson_interval(97, 120), [0.728_788, 0.868_750]);
        near(wilson_interval(0, 10), [0.0, 0.277_533]);
        near(wilson_interval(10, 10), [0.722_467, 1.0]);
        assert_eq!(wilson_interval(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn the_interval_holds_the_share() {
        for total in (1..400).chain([10_000, 99_999]) {
            for part in 0..=20 {
                let correct = total * part / 20;
                let [low, high] = wilson_interval(correct, total);
                let share = correct as f64 / total as f64;
                assert!(0.0 <= low && low <= share + 1e-12, "{correct} of {total}");
                assert!(share <= high + 1e-12 && high <= 1.0, "{correct} of {total}");
            }
        }
    }
}
