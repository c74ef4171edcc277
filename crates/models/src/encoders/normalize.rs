//! Normalization of pixels in front of an encoder.

use std::rc::Rc;

use group::Group;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Device, Tensor};

use super::{Encoder, InputSizes, Mode, Tokens};
use crate::ModelError;

/// Mean and standard deviation of ImageNet's pixels, red, green and blue, as in torchvision.
const IMAGENET: [[f64; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];

/// What an encoder does to pixels before anything else. It is part of the network and of its
/// exports, so that images are always given as RGB / 255.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"none\", \"imagenet\" or [[mean of r, g, b], [std of r, g, b]]")]
pub enum Normalize {
    /// By name.
    Named(NamedNormalize),
    /// Mean and standard deviation of red, green and blue, for pixels in 0..=1.
    Channels([[f64; 3]; 2]),
}

/// A normalization that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NamedNormalize {
    /// Pixels as they are.
    None,
    /// ImageNet's mean (0.485, 0.456, 0.406) and standard deviation (0.229, 0.224, 0.225).
    ImageNet,
}

impl Normalize {
    /// Pixels as they are.
    pub const NONE: Self = Self::Named(NamedNormalize::None);
    /// Those of ImageNet.
    pub const IMAGENET: Self = Self::Named(NamedNormalize::ImageNet);

    /// Mean and standard deviation of each channel; `None` for pixels as they are.
    pub fn mean_and_std(self) -> Option<[[f64; 3]; 2]> {
        match self {
            Self::Named(NamedNormalize::None) => None,
            Self::Named(NamedNormalize::ImageNet) => Some(IMAGENET),
            Self::Channels(numbers) => Some(numbers),
        }
    }

    pub(super) fn validate(self, key: &'static str) -> Result<(), ModelError> {
        let Some([mean, std]) = self.mean_and_std() else { return Ok(()) };
        let good = mean.iter().all(|mean| mean.is_finite())
            && std.iter().all(|std| *std > 0.0 && std.is_finite());
        if good {
            return Ok(());
        }
        let expected = "finite means and positive standard deviations";
        Err(ModelError::Range { key, expected, found: format!("{mean:?} and {std:?}") })
    }

    /// `encoder` with normalized pixels on `device`.
    pub(super) fn before(self, encoder: Box<dyn Encoder>, device: Device) -> Box<dyn Encoder> {
        let Some(numbers) = self.mean_and_std() else { return encoder };
        let [mean, std] = numbers
            .map(|numbers| Tensor::from_slice(&numbers).view([1, 3, 1, 1]).to_device(device));
        Box::new(Normalized { mean, std, encoder })
    }
}

impl Default for Normalize {
    fn default() -> Self {
        Self::NONE
    }
}

/// An encoder behind a normalization of pixels.
#[derive(Debug)]
struct Normalized {
    mean: Tensor,
    std: Tensor,
    encoder: Box<dyn Encoder>,
}

impl Normalized {
    fn pixels(&self, images: &Tensor) -> Tensor {
        let kind = images.kind();
        (images - self.mean.to_kind(kind)) / self.std.to_kind(kind)
    }
}

impl Encoder for Normalized {
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor {
        self.encoder.forward(&self.pixels(images), mode)
    }

    fn forward_tokens(&self, images: &Tensor, mode: Mode) -> Option<Tokens> {
        self.encoder.forward_tokens(&self.pixels(images), mode)
    }

    fn add_mask_token(&mut self, path: &Path) -> bool {
        self.encoder.add_mask_token(path)
    }

    fn forward_masked(&self, images: &Tensor, masks: &Tensor, mode: Mode) -> Option<Tokens> {
        self.encoder.forward_masked(&self.pixels(images), masks, mode)
    }

    fn patch_size(&self) -> Option<i64> {
        self.encoder.patch_size()
    }

    fn feature_size(&self) -> i64 {
        self.encoder.feature_size()
    }

    fn input_sizes(&self) -> InputSizes {
        self.encoder.input_sizes()
    }

    fn uses_batch_statistics(&self) -> bool {
        self.encoder.uses_batch_statistics()
    }

    fn drops_paths(&self) -> bool {
        self.encoder.drops_paths()
    }

    fn synchronize(&mut self, group: &Rc<Group>) {
        self.encoder.synchronize(group);
    }
}
