//! Transforms, one a file: configuration, validation and sampling.

mod color_jitter;
mod gaussian_blur;
mod grayscale;
mod horizontal_flip;
mod random_resized_crop;
mod solarize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::color_jitter::ColorJitter;
pub use self::gaussian_blur::GaussianBlur;
pub use self::grayscale::Grayscale;
pub use self::horizontal_flip::HorizontalFlip;
pub use self::random_resized_crop::{CropSampling, RandomResizedCrop};
pub use self::solarize::Solarize;

use crate::ViewParams;
use crate::error::Error;
use crate::view_rng::ViewRng;

/// One random operation of a recipe.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Exchange left and right.
    HorizontalFlip(HorizontalFlip),
    /// Resize a random part of the image to the output.
    RandomResizedCrop(RandomResizedCrop),
    /// Change brightness, contrast, saturation and hue in random order.
    ColorJitter(ColorJitter),
    /// Drop the colors.
    Grayscale(Grayscale),
    /// Gaussian blur.
    GaussianBlur(GaussianBlur),
    /// Invert bright values.
    Solarize(Solarize),
}

impl Transform {
    /// Checks the settings; `key` names the operation in messages, `size` is the output's side.
    pub(crate) fn validate(&self, key: &str, size: usize) -> Result<(), Error> {
        match self {
            Transform::HorizontalFlip(op) => op.validate(key),
            Transform::RandomResizedCrop(op) => op.validate(key),
            Transform::ColorJitter(op) => op.validate(key),
            Transform::Grayscale(op) => op.validate(key),
            Transform::GaussianBlur(op) => op.validate(key, size),
            Transform::Solarize(op) => op.validate(key),
        }
    }

    /// Draws the parameters and adds what follows from them to `view`.
    pub(crate) fn draw(
        &self,
        view_rng: &mut ViewRng,
        width: usize,
        height: usize,
        view: &mut ViewParams,
    ) {
        match self {
            Transform::HorizontalFlip(op) => op.draw(view_rng, view),
            Transform::RandomResizedCrop(op) => op.draw(view_rng, width, height, view),
            Transform::ColorJitter(op) => op.draw(view_rng, view),
            Transform::Grayscale(op) => op.draw(view_rng, view),
            Transform::GaussianBlur(op) => op.draw(view_rng, view),
            Transform::Solarize(op) => op.draw(view_rng, view),
        }
    }

    /// The name in configs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Transform::HorizontalFlip(_) => "horizontal_flip",
            Transform::RandomResizedCrop(_) => "random_resized_crop",
            Transform::ColorJitter(_) => "color_jitter",
            Transform::Grayscale(_) => "grayscale",
            Transform::GaussianBlur(_) => "gaussian_blur",
            Transform::Solarize(_) => "solarize",
        }
    }

    /// Whether it moves pixels about rather than changing their values.
    pub(crate) fn is_geometric(&self) -> bool {
        matches!(self, Transform::HorizontalFlip(_) | Transform::RandomResizedCrop(_))
    }
}
