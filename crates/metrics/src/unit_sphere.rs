//! Alignment and uniformity of l2-normalized features.

use tch::{Kind, Tensor, no_grad};

/// Rows of length 1; the squared length is bounded below by 1e-12, so a zero row stays zero.
///
/// # Shapes
/// `features`: `[batch, features]`, any float kind; the result has this shape, float32 for half
/// precision and the kind of `features` otherwise.
pub fn unit_rows(features: &Tensor) -> Tensor {
    let features = at_least_f32(features);
    let squared = features.square().sum_dim_intlist([1i64].as_slice(), true, None);
    &features / squared.clamp_min(1e-12).sqrt()
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

/// Float32 for half precision, else the features as they are.
pub(crate) fn at_least_f32(features: &Tensor) -> Tensor {
    match features.kind() {
        Kind::Half | Kind::BFloat16 => features.to_kind(Kind::Float),
        _ => features.shallow_clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
