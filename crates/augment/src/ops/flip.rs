//! Horizontal flip.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::View;
use crate::draws::Draws;
use crate::error::{Error, in_range};

/// Exchanges left and right with probability `p`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// Probability, 0 to 1.
    pub p: f64,
}

impl Flip {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        in_range(&format!("{key}.p"), self.p, 0.0, 1.0)
    }

    pub(crate) fn draw(&self, draws: &mut Draws, view: &mut View) {
        view.flip ^= draws.chance(self.p);
    }
}
