//! Color jitter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, in_range};
use crate::view_rng::ViewRng;
use crate::{PixelOp, ViewParams};

/// Changes brightness, contrast, saturation and hue, in an order drawn for every view.
///
/// A range `r` of the first three means a factor uniform between `max(0, 1 - r)` and `1 + r`; a
/// range of 0 leaves the operation out.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColorJitter {
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

impl ColorJitter {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        in_range(&format!("{key}.p"), self.p, 0.0, 1.0)?;
        in_range(&format!("{key}.brightness"), self.brightness, 0.0, 1.0)?;
        in_range(&format!("{key}.contrast"), self.contrast, 0.0, 1.0)?;
        in_range(&format!("{key}.saturation"), self.saturation, 0.0, 1.0)?;
        in_range(&format!("{key}.hue"), self.hue, 0.0, 0.5)
    }

    pub(crate) fn draw(&self, view_rng: &mut ViewRng, view: &mut ViewParams) {
        if !view_rng.chance(self.p) {
            return;
        }
        let mut steps = [
            (self.brightness, PixelOp::Brightness(factor(view_rng, self.brightness))),
            (self.contrast, PixelOp::Contrast(factor(view_rng, self.contrast))),
            (self.saturation, PixelOp::Saturation(factor(view_rng, self.saturation))),
            (self.hue, PixelOp::Hue(view_rng.uniform(-self.hue, self.hue))),
        ];
        view_rng.shuffle(&mut steps);
        let drawn = steps.iter().filter(|(range, _)| *range > 0.0);
        view.pixel_ops.extend(drawn.map(|(_, step)| *step));
    }
}

fn factor(view_rng: &mut ViewRng, range: f64) -> f64 {
    view_rng.uniform((1.0 - range).max(0.0), 1.0 + range)
}
