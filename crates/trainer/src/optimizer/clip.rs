//! Gradients that are too long.

use tch::Tensor;

/// Keeps the quotient finite where the gradient is 0; the value of libtorch's `clip_grad_norm_`.
const EPSILON: f64 = 1e-6;

/// `gradient`, whose length is `norm`, no longer than `most`: shortened where it is longer, and
/// else the same bits. On the device; nothing waits for it.
///
/// # Shapes
/// `[weights]`, scalar -> `[weights]`
///
/// # Reference
/// Pascanu et al. 2012, arXiv 1211.5063, algorithm 1.
pub(crate) fn clip(gradient: &Tensor, norm: &Tensor, most: f64) -> Tensor {
    let share = (norm + EPSILON).reciprocal() * most;
    gradient * share.clamp_max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_gradients_are_shortened_and_others_keep_their_bits() {
        let gradient = Tensor::from_slice(&[3.0, -4.0]);
        let clipped = |most| clip(&gradient, &gradient.norm(), most);
        for most in [5.1, 100.0] {
            assert_eq!(clipped(most), gradient);
        }
        let short = clipped(2.5);
        assert!((short.norm().double_value(&[]) - 2.5).abs() < 1e-5);
        assert!(golden::difference(&short, &(&gradient / 2.0)) < 1e-5);
        let zeros = gradient.zeros_like();
        assert_eq!(clip(&zeros, &zeros.norm(), 1.0), zeros);
    }
}
