//! Random resized crop, with the two ways to draw a box that are in use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, interval};
use crate::view_rng::ViewRng;
use crate::{CropBox, ViewParams};

/// How often [`CropSampling::Retry`] tries before it takes a central box.
const TRIES: usize = 10;

/// Resizes a random box of the image to the output.
///
/// Whatever the draw, the sampling grid is the half-pixel one (output pixel `i` lies at
/// `(i + 0.5) * box / output - 0.5` from the box's edge), bilinear, and antialiased where the box
/// is larger than the output.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomResizedCrop {
    /// Smallest and largest share of the image's area, above 0, at most 1.
    pub scale: [f64; 2],
    /// Smallest and largest width / height; the draw is uniform in its logarithm.
    pub ratio: [f64; 2],
    /// What happens to a box that does not fit into the image.
    pub sampling: CropSampling,
}

/// How the box of a [`RandomResizedCrop`] is drawn.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CropSampling {
    /// A side that is too long is cut to the image's. Edges fall between pixels.
    ///
    /// Of a square image, height and width are shares of its side.
    Clip,
    /// Up to ten draws of boxes with whole-pixel edges, then the largest central box that has an
    /// allowed aspect.
    ///
    /// # Reference
    /// `RandomResizedCrop` of torchvision; Szegedy et al., <https://arxiv.org/abs/1409.4842>.
    Retry,
}

impl RandomResizedCrop {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        interval(&format!("{key}.scale"), self.scale, 1.0)?;
        interval(&format!("{key}.ratio"), self.ratio, f64::INFINITY)
    }

    pub(crate) fn draw(
        &self,
        view_rng: &mut ViewRng,
        width: usize,
        height: usize,
        view: &mut ViewParams,
    ) {
        view.crop = match self.sampling {
            CropSampling::Clip => {
                let unit = [(); 4].map(|()| view_rng.unit());
                self.clipped(unit, width as f64, height as f64)
            }
            CropSampling::Retry => self.redrawn(view_rng, width, height),
        };
    }

    /// The box that four uniform numbers (area, log aspect, offset down, offset right) stand for.
    pub(crate) fn clipped(&self, unit: [f64; 4], width: f64, height: f64) -> CropBox {
        let [for_area, for_aspect, down, right] = unit;
        let area = lerp(self.scale, for_area);
        // In pixels, then in shares of the sides.
        let ratio = lerp(self.ratio.map(f64::ln), for_aspect).exp() * (height / width);
        let box_height = (area / ratio).sqrt().min(1.0);
        let box_width = (area * ratio).sqrt().min(1.0);
        CropBox {
            top: down * (1.0 - box_height) * height,
            left: right * (1.0 - box_width) * width,
            height: box_height * height,
            width: box_width * width,
        }
    }

    fn redrawn(&self, view_rng: &mut ViewRng, width: usize, height: usize) -> CropBox {
        let pixels = (width * height) as f64;
        for _ in 0..TRIES {
            let area = pixels * lerp(self.scale, view_rng.unit());
            let ratio = lerp(self.ratio.map(f64::ln), view_rng.unit()).exp();
            let box_width = (area * ratio).sqrt().round_ties_even() as usize;
            let box_height = (area / ratio).sqrt().round_ties_even() as usize;
            if (1..=width).contains(&box_width) && (1..=height).contains(&box_height) {
                let top = view_rng.below(height - box_height + 1);
                let left = view_rng.below(width - box_width + 1);
                return whole_pixels(top, left, box_height, box_width);
            }
        }
        self.central(width, height)
    }

    /// The largest box in the middle of the image whose aspect is allowed.
    fn central(&self, width: usize, height: usize) -> CropBox {
        let [narrow, wide] = self.ratio;
        let ratio = width as f64 / height as f64;
        let (box_width, box_height) = if ratio < narrow {
            (width, (width as f64 / narrow).round_ties_even() as usize)
        } else if ratio > wide {
            ((height as f64 * wide).round_ties_even() as usize, height)
        } else {
            (width, height)
        };
        let (box_width, box_height) = (box_width.clamp(1, width), box_height.clamp(1, height));
        let (top, left) = ((height - box_height) / 2, (width - box_width) / 2);
        whole_pixels(top, left, box_height, box_width)
    }
}

fn lerp([low, high]: [f64; 2], unit: f64) -> f64 {
    low + unit * (high - low)
}

fn whole_pixels(top: usize, left: usize, height: usize, width: usize) -> CropBox {
    CropBox { top: top as f64, left: left as f64, height: height as f64, width: width as f64 }
}
