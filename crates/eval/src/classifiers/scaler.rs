//! Features scaled to mean 0 and standard deviation 1, by the numbers of the training images alone.

use tch::{Kind, Tensor, no_grad};

/// Per-feature mean and scale of a training set.
#[derive(Debug)]
pub struct StandardScaler {
    mean: Tensor,
    scale: Tensor,
}

impl StandardScaler {
    /// Measures `x`, `[images, features]`. The standard deviation divides by the number of images.
    ///
    /// A feature that is constant up to float32 rounding keeps scale 1: it becomes 0 and is never
    /// blown up.
    pub fn fit(x: &Tensor) -> Self {
        no_grad(|| {
            let x = x.to_kind(Kind::Double);
            let mean = x.mean_dim([0i64].as_slice(), true, None);
            let std = (&x - &mean).square().mean_dim([0i64].as_slice(), true, None).sqrt();
            let constant = std.le_tensor(&(mean.abs() * f64::from(f32::EPSILON)));
            let scale = std.masked_fill(&constant, 1.0);
            Self { mean, scale }
        })
    }

    /// The standardized features, float64.
    pub fn apply(&self, x: &Tensor) -> Tensor {
        no_grad(|| (x.to_kind(Kind::Double) - &self.mean) / &self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_columns() {
        let x = Tensor::from_slice2(&[[1.0f32, 0.1, 0.0], [3.0, 0.1, 0.0], [5.0, 0.1, 0.0]]);
        let y = StandardScaler::fit(&x).apply(&x);
        let want = 1.224_744_871;
        assert!((y.double_value(&[0, 0]) + want).abs() < 1e-9);
        assert!((y.double_value(&[2, 0]) - want).abs() < 1e-9);
        for row in 0..3 {
            assert!(y.double_value(&[row, 1]).abs() < 1e-7, "a constant feature becomes 0");
            assert_eq!(y.double_value(&[row, 2]), 0.0, "a dead feature stays 0");
        }
    }
}
