//! The operations of recipes: one file each with its settings, their check and their draw.

mod blur;
mod crop;
mod flip;
mod grayscale;
mod jitter;
mod solarize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::blur::Blur;
pub use self::crop::{Crop, CropDraw};
pub use self::flip::Flip;
pub use self::grayscale::Grayscale;
pub use self::jitter::Jitter;
pub use self::solarize::Solarize;

use crate::View;
use crate::draws::Draws;
use crate::error::Error;

/// One random operation of a recipe.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Exchange left and right.
    Flip(Flip),
    /// Resize a random part of the image to the output.
    Crop(Crop),
    /// Change brightness, contrast, saturation and hue in random order.
    Jitter(Jitter),
    /// Drop the colors.
    Grayscale(Grayscale),
    /// Gaussian blur.
    Blur(Blur),
    /// Invert bright values.
    Solarize(Solarize),
}

impl Op {
    /// Checks the settings; `key` names the operation in messages, `size` is the output's side.
    pub(crate) fn validate(&self, key: &str, size: usize) -> Result<(), Error> {
        match self {
            Op::Flip(op) => op.validate(key),
            Op::Crop(op) => op.validate(key),
            Op::Jitter(op) => op.validate(key),
            Op::Grayscale(op) => op.validate(key),
            Op::Blur(op) => op.validate(key, size),
            Op::Solarize(op) => op.validate(key),
        }
    }

    /// Draws the parameters and adds what follows from them to `view`.
    pub(crate) fn draw(&self, draws: &mut Draws, width: usize, height: usize, view: &mut View) {
        match self {
            Op::Flip(op) => op.draw(draws, view),
            Op::Crop(op) => op.draw(draws, width, height, view),
            Op::Jitter(op) => op.draw(draws, view),
            Op::Grayscale(op) => op.draw(draws, view),
            Op::Blur(op) => op.draw(draws, view),
            Op::Solarize(op) => op.draw(draws, view),
        }
    }

    /// The name in configs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Op::Flip(_) => "flip",
            Op::Crop(_) => "crop",
            Op::Jitter(_) => "jitter",
            Op::Grayscale(_) => "grayscale",
            Op::Blur(_) => "blur",
            Op::Solarize(_) => "solarize",
        }
    }

    /// Whether it moves pixels about rather than changing their values.
    pub(crate) fn is_geometric(&self) -> bool {
        matches!(self, Op::Flip(_) | Op::Crop(_))
    }
}
