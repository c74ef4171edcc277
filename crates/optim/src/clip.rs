//! Gradient clipping.

use tch::Tensor;

/// Keeps the quotient finite where the gradient is 0; the value of PyTorch's `clip_grad_norm_`.
const EPSILON: f64 = 1e-6;

/// Scales `gradient`, whose L2 norm is `norm`, down to the norm `max_norm`, a positive number. A
/// gradient with a smaller norm keeps its bits. Computed on the device, without waiting for it.
///
/// # Shapes
/// `[weights]`, scalar -> `[weights]`
///
/// # Reference
/// Pascanu et al. 2012, arXiv 1211.5063, algorithm 1.
pub fn clip_grad_norm(gradient: &Tensor, norm: &Tensor, max_norm: f64) -> Tensor {
    let scale = (norm + EPSILON).reciprocal() * max_norm;
    gradient * scale.clamp_max(1.0)
}
