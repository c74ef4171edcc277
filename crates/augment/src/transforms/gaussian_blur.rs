//! Random Gaussian blur.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, in_range, interval};
use crate::view_rng::ViewRng;
use crate::{PixelOp, ViewParams};

/// Blurs with probability `p`; sigma is uniform in its interval.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GaussianBlur {
    /// Probability, 0 to 1.
    pub p: f64,
    /// Number of taps: odd, at most twice the output's side minus 1.
    pub kernel_size: usize,
    /// Smallest and largest standard deviation, in pixels.
    pub sigma: [f64; 2],
}

impl GaussianBlur {
    pub(crate) fn validate(&self, key: &str, size: usize) -> Result<(), Error> {
        in_range(&format!("{key}.p"), self.p, 0.0, 1.0)?;
        if self.kernel_size.is_multiple_of(2) || self.kernel_size / 2 >= size {
            return Err(Error {
                key: format!("{key}.kernel_size"),
                expected: format!("an odd number of taps from 1 to {}", 2 * size - 1),
                found: self.kernel_size.to_string(),
            });
        }
        interval(&format!("{key}.sigma"), self.sigma, f64::INFINITY)
    }

    pub(crate) fn draw(&self, view_rng: &mut ViewRng, view: &mut ViewParams) {
        if view_rng.chance(self.p) {
            let [low, high] = self.sigma;
            view.pixel_ops.push(PixelOp::GaussianBlur {
                kernel_size: self.kernel_size,
                sigma: view_rng.uniform(low, high),
            });
        }
    }
}
