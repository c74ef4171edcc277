//! Random grayscale.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draws::Draws;
use crate::error::{Error, in_range};
use crate::{Step, View};

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

    pub(crate) fn draw(&self, draws: &mut Draws, view: &mut View) {
        if draws.chance(self.p) {
            view.steps.push(Step::Grayscale);
        }
    }
}
