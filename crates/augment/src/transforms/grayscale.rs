//! Random grayscale.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, in_range};
use crate::view_rng::ViewRng;
use crate::{PixelOp, ViewParams};

/// Replaces every channel by the gray with probability `p`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grayscale {
    /// Probability, 0 to 1.
    pub p: f64,
}

impl Grayscale {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        in_range(&format!("{key}.p"), self.p, 0.0, 1.0)
    }

    pub(crate) fn draw(&self, view_rng: &mut ViewRng, view: &mut ViewParams) {
        if view_rng.chance(self.p) {
            view.pixel_ops.push(PixelOp::Grayscale);
        }
    }
}
