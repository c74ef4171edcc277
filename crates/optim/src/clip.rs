//! Gradient clipping.

use std::collections::BTreeMap;

use models::FlatParameters;
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

/// The same for each network by itself, with the norm of its own gradient. A network is what has
/// the first part of the names of `parameters` in common: `encoder`, `projection`, `method`.
///
/// # Shapes
/// `gradient` `[weights]`, in the order of `parameters` -> `[weights]`
///
/// # Reference
/// Oquab et al. 2023, arXiv 2304.07193, by its code: backbone and heads are clipped on their own.
pub fn clip_grad_norm_per_network(
    gradient: &Tensor,
    parameters: &FlatParameters,
    max_norm: f64,
) -> Tensor {
    let clipped = gradient.copy();
    let mut networks: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
    for (name, part) in parameters.named(&clipped) {
        let network = name.split('.').next().unwrap_or_default().to_owned();
        networks.entry(network).or_default().push(part);
    }
    for mut parts in networks.into_values() {
        let norms: Vec<Tensor> = parts.iter().map(Tensor::norm).collect();
        let norm = Tensor::stack(&norms, 0).norm();
        let scale = ((norm + EPSILON).reciprocal() * max_norm).clamp_max(1.0);
        for part in &mut parts {
            *part *= &scale;
        }
    }
    clipped
}
