//! Which parameters weight decay, and LARS, leave alone where `exclude_bias_and_norm` is set.

use models::FlatParameters;
use tch::Tensor;

/// Last parts of the names of parameters that count as biases though they have several dimensions:
/// the class token and the position embedding of a vision transformer.
const BY_NAME: [&str; 2] = ["cls_token", "pos_embed"];

/// Whether the parameter called `name`, with this number of dimensions, is a bias, scales or shifts
/// normalized values, or counts as such: those with at most one dimension, and those of
/// [`BY_NAME`].
pub(super) fn is_bias_or_norm(name: &str, dimensions: usize) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    dimensions <= 1 || BY_NAME.contains(&last)
}

/// 1 for every weight that is decayed, else 0; 1 for all unless biases and norms are excluded.
///
/// # Shapes
/// `[weights]`, of their kind and on their device
pub(super) fn decayed(parameters: &FlatParameters, exclude_bias_and_norm: bool) -> Tensor {
    let decayed = parameters.flat().ones_like();
    if exclude_bias_and_norm {
        for (name, mut part) in parameters.named(&decayed) {
            if is_bias_or_norm(&name, part.dim()) {
                let _ = part.zero_();
            }
        }
    }
    decayed
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn biases_norms_and_tokens_are_excluded_in_the_order_of_the_parameters() {
        let store = VarStore::new(Device::Cpu);
        let shapes: [(&str, &[i64]); 6] = [
            ("weight", &[2, 2]),
            ("bias", &[2]),
            ("cls_token", &[1, 1, 2]),
            ("kernel", &[1, 2, 1, 1]),
            ("pos_embed", &[1, 1, 2]),
            ("pos_embed_scale", &[2, 1]),
        ];
        for (name, shape) in shapes {
            let _ = (store.root() / "encoder").zeros(name, shape);
        }
        let parameters = FlatParameters::flatten(&store);
        let mask = |exclude| {
            let mask = decayed(&parameters, exclude);
            assert_eq!(mask.kind(), Kind::Float);
            Vec::<f32>::try_from(mask).unwrap()
        };
        let expected = [1., 1., 1., 1., 0., 0., 0., 0., 1., 1., 0., 0., 1., 1.];
        assert_eq!(mask(true), expected);
        assert_eq!(mask(false), [1.0; 14]);
    }
}
