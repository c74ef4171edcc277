//! Parameters without weight decay: those that `exclude_bias_and_norm` spares.

use models::FlatParameters;
use tch::Tensor;

/// Last parts of the names of parameters that count as biases though they have several dimensions:
/// class token, register tokens, position embeddings and mask token of a vision transformer.
const NO_DECAY_NAMES: [&str; 4] = ["cls_token", "reg_token", "pos_embed", "mask_token"];

/// Whether a parameter is a bias, belongs to a normalization layer or counts as such: those with at
/// most one dimension, and those of [`NO_DECAY_NAMES`].
pub(crate) fn is_bias_or_norm(name: &str, dimensions: usize) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    dimensions <= 1 || NO_DECAY_NAMES.contains(&last)
}

/// 1 for every weight that is decayed, else 0; 1 for all unless biases and norms are excluded.
///
/// # Shapes
/// `[weights]`, in their dtype and on their device
pub(crate) fn decay_mask(parameters: &FlatParameters, exclude_bias_and_norm: bool) -> Tensor {
    let mask = parameters.flat().ones_like();
    if exclude_bias_and_norm {
        for (name, mut part) in parameters.named(&mask) {
            if is_bias_or_norm(&name, part.dim()) {
                let _ = part.zero_();
            }
        }
    }
    mask
}
