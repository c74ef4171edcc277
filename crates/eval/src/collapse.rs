//! Collapse monitors: numbers that fall when an encoder maps all images to one point or onto few
//! directions.

use tch::{Device, Kind, Tensor, no_grad};

use crate::metrics::{to_vec, unit_rows};

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

/// Mean squared distance of the l2-normalized features of two views of the same images, 0..=4: how
/// far apart an encoder sees what should be alike.
///
/// # Shapes
/// `first`, `second`: `[images, features]`, any float kind, the same images in the same order.
///
/// # Reference
/// Wang and Isola, arXiv 2005.10242, equation 1 with alpha 2.
pub fn alignment(first: &Tensor, second: &Tensor) -> f64 {
    no_grad(|| {
        let difference = unit_rows(first) - unit_rows(second);
        let squared = difference.square().sum_dim_intlist([1i64].as_slice(), false, None);
        squared.mean(Kind::Double).double_value(&[])
    })
}

/// The logarithm of the mean of `exp(-2 d^2)` over all pairs of different images, `d` the distance
/// of their l2-normalized features: 0 where all are alike, down to about -4 where they are spread
/// evenly.
///
/// # Shapes
/// `features`: `[images, features]` with at least two images, any float kind.
///
/// # Reference
/// Wang and Isola, arXiv 2005.10242, equation 2 with t 2.
pub fn uniformity(features: &Tensor) -> f64 {
    no_grad(|| {
        let unit = unit_rows(features);
        let images = unit.size()[0] as f64;
        // d^2 = 2 - 2 cos; the diagonal, each image with itself, adds exactly one for every image.
        let potential = ((unit.matmul(&unit.tr()) - 1.0) * 4.0).exp();
        let off_diagonal = potential.sum(Kind::Double).double_value(&[])
            - potential.diagonal(0, 0, 1).sum(Kind::Double).double_value(&[]);
        (off_diagonal / (images * (images - 1.0))).ln()
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
    to_vec(&gram.linalg_eigvalsh("L"))
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
    fn alignment_and_uniformity_of_literal_features() {
        let first = Tensor::from_slice2(&[[2.0f32, 0.0], [0.0, 1.0]]);
        let second = Tensor::from_slice2(&[[0.0f32, 3.0], [0.0, 1.0]]);
        // Squared distances 2 and 0.
        assert!((alignment(&first, &second) - 1.0).abs() < 1e-6);
        // One pair at a squared distance of 2: the logarithm of exp(-4).
        assert!((uniformity(&first) + 4.0).abs() < 1e-6);
        let same = Tensor::from_slice(&[1.0f32, 2.0]).repeat([5, 1]);
        assert!(uniformity(&same).abs() < 1e-5);
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
