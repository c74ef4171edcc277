//! Horizontal flip.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ViewParams;
use crate::error::{Error, in_range};
use crate::view_rng::ViewRng;

/// Exchanges left and right with probability `p`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HorizontalFlip {
    /// Probability, 0 to 1.
    pub p: f64,
}

impl HorizontalFlip {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        in_range(&format!("{key}.p"), self.p, 0.0, 1.0)
    }

    pub(crate) fn draw(&self, view_rng: &mut ViewRng, view: &mut ViewParams) {
        view.flip ^= view_rng.chance(self.p);
    }
}
