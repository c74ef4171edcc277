//! Color jitter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draws::Draws;
use crate::error::{Error, in_range};
use crate::{Step, View};

/// Changes brightness, contrast, saturation and hue, in an order drawn for every view.
///
/// A range `r` of the first three means a factor uniform between `max(0, 1 - r)` and `1 + r`; a
/// range of 0 leaves the operation out.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jitter {
    /// Probability of the whole, 0 to 1.
    pub p: f64,
    /// Range of the brightness factor, 0 to 1.
    pub brightness: f64,
    /// Range of the contrast factor, 0 to 1.
    pub contrast: f64,
    /// Range of the saturation factor, 0 to 1.
    pub saturation: f64,
    /// The hue turns by a fraction of a full turn uniform in `-hue..hue`; 0 to 0.5.
    pub hue: f64,
}

impl Jitter {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        in_range(&format!("{key}.p"), self.p, 0.0, 1.0)?;
        in_range(&format!("{key}.brightness"), self.brightness, 0.0, 1.0)?;
        in_range(&format!("{key}.contrast"), self.contrast, 0.0, 1.0)?;
        in_range(&format!("{key}.saturation"), self.saturation, 0.0, 1.0)?;
        in_range(&format!("{key}.hue"), self.hue, 0.0, 0.5)
    }

    pub(crate) fn draw(&self, draws: &mut Draws, view: &mut View) {
        if !draws.chance(self.p) {
            return;
        }
        let mut steps = [
            (self.brightness, Step::Brightness(factor(draws, self.brightness))),
            (self.contrast, Step::Contrast(factor(draws, self.contrast))),
            (self.saturation, Step::Saturation(factor(draws, self.saturation))),
            (self.hue, Step::Hue(draws.uniform(-self.hue, self.hue))),
        ];
        draws.shuffle(&mut steps);
        let drawn = steps.iter().filter(|(range, _)| *range > 0.0);
        view.steps.extend(drawn.map(|(_, step)| *step));
    }
}

fn factor(draws: &mut Draws, range: f64) -> f64 {
    draws.uniform((1.0 - range).max(0.0), 1.0 + range)
}
