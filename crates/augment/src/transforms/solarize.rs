//! Random solarization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, in_range};
use crate::view_rng::ViewRng;
use crate::{PixelOp, ViewParams};

/// Inverts values at or above `threshold` with probability `p`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Solarize {
    /// Probability, 0 to 1.
    pub p: f64,
    /// Threshold, 0 to 1 of the full range.
    pub threshold: f64,
}

impl Solarize {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        in_range(&format!("{key}.p"), self.p, 0.0, 1.0)?;
        in_range(&format!("{key}.threshold"), self.threshold, 0.0, 1.0)
    }

    pub(crate) fn draw(&self, view_rng: &mut ViewRng, view: &mut ViewParams) {
        if view_rng.chance(self.p) {
            view.pixel_ops.push(PixelOp::Solarize(self.threshold));
        }
    }
}
