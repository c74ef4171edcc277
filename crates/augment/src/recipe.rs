//! Recipes: the output size and the random transforms of a view.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::transforms::{ColorJitter, CropSampling, HorizontalFlip, RandomResizedCrop, Transform};
use crate::view_rng::ViewRng;
use crate::{CropBox, ViewKey, ViewParams};

/// Largest side of a view, in pixels.
pub(crate) const MAX_SIZE: usize = 4096;

/// How views are made: square outputs of `size` pixels, `ops` in order.
///
/// `flip` and `crop` come first, each at most once; operations on pixels follow in any order.
/// Without `crop` the whole image is resized. The crop's box refers to the source image whether
/// or not it is flipped, so that the order of the two does not matter.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Output side in pixels, 1 to 4096.
    pub size: usize,
    /// The operations.
    pub transforms: Vec<Transform>,
}

impl Recipe {
    /// The strong views of the original Keras repository (two an image, for the objective).
    pub fn seed_strong(size: usize) -> Recipe {
        seed(size, 0.2, 0.5, 0.2)
    }

    /// The weak view of the original Keras repository (for its probe).
    pub fn seed_weak(size: usize) -> Recipe {
        seed(size, 0.5, 0.2, 0.1)
    }

    /// Checks every number and the order of the operations.
    ///
    /// # Errors
    /// The first setting that cannot be used: its key, what was expected, what was found.
    pub fn validate(&self) -> Result<(), Error> {
        crate::error::in_range("size", self.size as f64, 1.0, MAX_SIZE as f64)?;
        let mut pixels_before = None;
        for (i, op) in self.transforms.iter().enumerate() {
            let key = format!("transforms[{i}].{}", op.name());
            op.validate(&key, self.size)?;
            if !op.is_geometric() {
                pixels_before = Some(op.name());
            } else if let Some(name) = pixels_before {
                return Err(Error {
                    key,
                    expected: "horizontal_flip and random_resized_crop before operations on pixels"
                        .to_owned(),
                    found: format!("it after `{name}`"),
                });
            } else if self.transforms[..i].iter().any(|other| other.name() == op.name()) {
                return Err(Error {
                    expected: "it at most once".to_owned(),
                    found: format!("a second `{}`", op.name()),
                    key,
                });
            }
        }
        Ok(())
    }

    /// Whether views are random parts of the image. Those that aren't show its center square.
    pub fn crops(&self) -> bool {
        self.transforms.iter().any(|op| matches!(op, Transform::RandomResizedCrop(_)))
    }

    /// The view that `key` stands for, of an image of `width` x `height` pixels.
    pub fn draw(&self, key: ViewKey, width: usize, height: usize) -> ViewParams {
        let mut view = ViewParams::whole(width, height);
        self.draw_into(key, width, height, &mut view);
        view
    }

    /// As [`draw`](Self::draw), into a view whose memory is used again.
    pub fn draw_into(&self, key: ViewKey, width: usize, height: usize, view: &mut ViewParams) {
        view.crop = CropBox::whole(width, height);
        view.flip = false;
        view.pixel_ops.clear();
        let mut view_rng = ViewRng::new(key);
        for op in &self.transforms {
            op.draw(&mut view_rng, width, height, view);
        }
    }
}

/// Both recipes of the original: only the smallest area and the strength of the jitter differ.
fn seed(size: usize, smallest_area: f64, strength: f64, hue: f64) -> Recipe {
    Recipe {
        size,
        transforms: vec![
            Transform::HorizontalFlip(HorizontalFlip { p: 0.5 }),
            Transform::RandomResizedCrop(RandomResizedCrop {
                scale: [smallest_area, 1.0],
                ratio: [3.0 / 4.0, 4.0 / 3.0],
                sampling: CropSampling::Clip,
            }),
            Transform::ColorJitter(ColorJitter {
                p: 1.0,
                brightness: strength,
                contrast: strength,
                saturation: strength,
                hue,
            }),
        ],
    }
}
