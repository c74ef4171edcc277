//! Collapse monitors: numbers that fall when an encoder maps all images to one point or onto few
//! directions.

use tch::{Device, Kind, Tensor, no_grad};

use crate::unit_sphere::unit_rows;

/// Mean over dimensions of the standard deviation, over the batch, of l2-normalized features.
///
/// `1 / sqrt(features)` for directions that are spread evenly around the origin, less for features
/// that are never negative, 0 for a collapsed encoder. The standard deviation divides by the batch
/// size, so that a batch of one gives 0.
///
/// # Shapes
/// `features`: `[batch, features]`, any float kind.
///
/// # Reference
/// SimSiam, arXiv 2011.10566, section 4.1 and figure 2 (middle).
pub fn feature_std(features: &Tensor) -> f64 {
    no_grad(|| {
        let std = unit_rows(features).std_dim([0i64].as_slice(), false, false);
        std.mean(Kind::Double).double_value(&[])
    })
}

/// Effective rank: the exponential of the entropy of the singular values' shares (RankMe).
///
/// Between 1 (one direction) and min(batch, features); not-a-number where a feature is not finite.
/// The features are used as they are, neither centered nor normalized. Singular values are taken
/// from the float64 Gram matrix of the smaller side, so that 100,000 rows cost one product and no
/// decomposition of that size.
///
/// # Shapes
/// `features`: `[batch, features]`, any float kind.
///
/// # Reference
/// RankMe, arXiv 2210.02885, equation 1, with its epsilon of 1e-7 for float32.
pub fn effective_rank(features: &Tensor) -> f64 {
    const EPSILON: f64 = 1e-7;
    let values = no_grad(|| squared_singular_values(features));
    if values.iter().any(|value| !value.is_finite()) {
        return f64::NAN;
    }
    let values: Vec<f64> = values.iter().map(|value| value.max(0.0).sqrt()).collect();
    let sum: f64 = values.iter().sum();
    let share = |value: f64| if sum > 0.0 { value / sum } else { 0.0 } + EPSILON;
    let entropy: f64 = values.iter().map(|&value| -share(value) * share(value).ln()).sum();
    entropy.exp()
}

/// Share of the features, 0..=1, that are 0 for every image of the batch.
///
/// # Shapes
/// `features`: `[batch, features]`, any float kind.
pub fn dead_features(features: &Tensor) -> f64 {
    no_grad(|| {
        let dead = features.abs().amax([0i64].as_slice(), false).eq(0.0);
        dead.to_kind(Kind::Double).mean(None).double_value(&[])
    })
}

fn squared_singular_values(features: &Tensor) -> Vec<f64> {
    let features = features.to_kind(Kind::Double);
    let (rows, columns) = features.size2().expect("features are [batch, features]");
    let gram = if rows < columns {
        features.matmul(&features.tr())
    } else {
        features.tr().matmul(&features)
    };
    let gram = gram.to_device(Device::Cpu);
    if gram.isfinite().all().int64_value(&[]) == 0 {
        return vec![f64::NAN];
    }
    let values = gram.linalg_eigvalsh("L").contiguous();
    Vec::try_from(values).expect("a vector of float64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn std_of_literal_features() {
        // Normalized: (1, 0), (0, 1), (0.6, 0.8). Column standard deviations: 0.4109609, 0.4320494.
        let features = Tensor::from_slice2(&[[2.0f32, 0.0], [0.0, 5.0], [3.0, 4.0]]);
        assert!((feature_std(&features) - 0.421_505_1).abs() < 1e-6);
    }

    #[test]
    fn collapse_is_zero_std_and_rank_one() {
        let features = Tensor::from_slice(&[1.0f32, 2.0, 3.0]).repeat([8, 1]);
        assert!(feature_std(&features) < 1e-7);
        assert!((effective_rank(&features) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn rank_of_literal_singular_values() {
        // Singular values 3 and 1: shares 3/4 and 1/4, entropy 0.5623351, exponential 1.7547654.
        let features = Tensor::from_slice2(&[[3.0f32, 0.0], [0.0, 1.0], [0.0, 0.0]]);
        assert!((effective_rank(&features) - 1.754_765_4).abs() < 1e-6);
        assert!((effective_rank(&features.tr()) - 1.754_765_4).abs() < 1e-6);
        let even = Tensor::eye(6, (Kind::Float, Device::Cpu));
        assert!((effective_rank(&even) - 6.0).abs() < 1e-5);
    }

    #[test]
    fn dead_features_are_zero_for_every_image() {
        let features = Tensor::from_slice2(&[[0.0f32, 1.0, 0.0, 0.0], [0.0, 0.0, -2.0, 0.0]]);
        assert_eq!(dead_features(&features), 0.5);
    }

    #[test]
    fn all_zero_features_are_no_rank() {
        assert!(
            (effective_rank(&Tensor::zeros([4, 3], (Kind::Float, Device::Cpu))) - 1.0).abs() < 1e-4
        );
    }

    #[test]
    fn diverged_features_give_not_a_number() {
        assert!(effective_rank(&Tensor::from_slice2(&[[1.0f32, f32::NAN], [0.0, 1.0]])).is_nan());
        assert!(
            effective_rank(&Tensor::from_slice2(&[[1.0f32, f32::INFINITY], [0.0, 1.0]])).is_nan()
        );
    }
}
