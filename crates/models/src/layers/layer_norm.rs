//! Layer normalization.

use tch::Tensor;
use tch::nn::Path;

/// Normalization of each row over its columns, with the population variance, in the kind of the
/// master weights.
///
/// # Reference
/// Ba et al. 2016, arXiv 1607.06450, equation 4.
#[derive(Debug)]
pub struct LayerNorm {
    scale: Tensor,
    shift: Tensor,
}

impl LayerNorm {
    /// Added to the variance: as timm's vision transformers have it.
    const EPSILON: f64 = 1e-6;

    /// Registers a scale `weight` `[columns]`, all 1, and a shift `bias` `[columns]`, all 0, under
    /// `path`.
    pub fn new(path: &Path, columns: i64) -> Self {
        let options = (path.kind(), path.device());
        Self {
            scale: path.add("weight", Tensor::ones([columns], options), true),
            shift: path.add("bias", Tensor::zeros([columns], options), true),
        }
    }

    /// # Shapes
    /// `x` `[..., columns]` -> the same.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (columns, eps) = (self.scale.size(), Self::EPSILON);
        x.layer_norm(columns, Some(&self.scale), Some(&self.shift), eps, false)
    }
}
