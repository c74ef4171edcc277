//! Gradient clipping.

use tch::Tensor;

use crate::clip_grad_norm;

#[test]
fn gradients_above_the_norm_are_scaled_and_others_keep_their_bits() {
    let gradient = Tensor::from_slice(&[3.0, -4.0]);
    let clipped = |max_norm| clip_grad_norm(&gradient, &gradient.norm(), max_norm);
    for max_norm in [5.1, 100.0] {
        assert_eq!(clipped(max_norm), gradient);
    }
    let short = clipped(2.5);
    assert!((short.norm().double_value(&[]) - 2.5).abs() < 1e-5);
    assert!(golden::difference(&short, &(&gradient / 2.0)) < 1e-5);
    let zeros = gradient.zeros_like();
    assert_eq!(clip_grad_norm(&zeros, &zeros.norm(), 1.0), zeros);
}
