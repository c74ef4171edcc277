//! Batch normalization without running statistics.

use tch::Tensor;
use tch::nn::Path;

/// Normalization of each column over the rows of a batch, with the population variance.
///
/// # Reference
/// Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1.
#[derive(Debug)]
pub struct BatchNorm {
    scale_and_shift: Option<(Tensor, Tensor)>,
}

impl BatchNorm {
    /// Added to the variance.
    const EPSILON: f64 = 1e-5;

    /// Registers a scale `weight` `[columns]`, all 1, and a shift `bias` `[columns]`, all 0, under
    /// `path`.
    pub fn affine(path: &Path, columns: i64) -> Self {
        let options = (path.kind(), path.device());
        let scale = path.add("weight", Tensor::ones([columns], options), true);
        let shift = path.add("bias", Tensor::zeros([columns], options), true);
        Self { scale_and_shift: Some((scale, shift)) }
    }

    /// Without scale and shift.
    pub fn plain() -> Self {
        Self { scale_and_shift: None }
    }

    /// # Shapes
    /// `x` `[n, columns]` -> the same, each column with mean 0 and variance 1 before scale and
    /// shift.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (scale, shift) = match &self.scale_and_shift {
            Some((scale, shift)) => (Some(scale), Some(shift)),
            None => (None, None),
        };
        let running = None::<Tensor>;
        x.batch_norm(
            scale,
            shift,
            running.as_ref(),
            running.as_ref(),
            true,
            0.0,
            Self::EPSILON,
            false,
        )
    }
}
