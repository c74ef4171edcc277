//! Encoders: the trait, and the registry of those that a configuration can name.

mod conv;
mod convnext;
mod drop_path;
mod normalize;
mod resnet;
mod vit;

pub use self::conv::{ConvConfig, Pool};
pub use self::convnext::{ConvNextConfig, ConvNextSize};
pub use self::drop_path::DropPathKey;
pub use self::normalize::{NamedNormalize, Normalize};
pub use self::resnet::{ResNetConfig, ResNetNorm, Stem};
pub use self::vit::{
    DropPathConfig, DropPathRule, MASK_TOKEN, VitConfig, VitPool, VitShape, VitSize,
    resample_positions,
};

use std::fmt;
use std::rc::Rc;

use group::Group;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use self::conv::ConvEncoder;
use self::convnext::ConvNext;
use self::resnet::ResNet;
use self::vit::Vit;
use crate::{ModelError, WeightRng};

/// Mode of a forward pass, as `train()` and `eval()` in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch normalization uses the statistics of the batch and updates its running statistics.
    /// Nothing else about an encoder changes in a forward pass.
    Train,
    /// As [`Mode::Train`], and stochastic depth leaves branches out, where the encoder has it: the
    /// student's passes. A teacher is in [`Mode::Train`].
    DropPath(DropPathKey),
    /// Batch normalization uses its running statistics; nothing changes.
    Eval,
}

impl Mode {
    /// The same for a batch that is the part from its image `first` on.
    pub fn from(self, first: i64) -> Self {
        match self {
            Self::DropPath(key) => {
                Self::DropPath(DropPathKey { first: key.first + first as u64, ..key })
            }
            same => same,
        }
    }
}

/// An encoder (backbone): images to features. In [`Mode::Eval`] the features of an image do not
/// depend on the rest of the batch, so that a batch may be encoded in parts. This also holds in
/// [`Mode::Train`], unless [`uses_batch_statistics`](Encoder::uses_batch_statistics).
pub trait Encoder: fmt::Debug {
    /// # Shapes
    /// `images` `[n, 3, h, w]`, float in 0..=1 -> features `[n, feature_size]`, in the dtype of the
    /// master weights.
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor;

    /// The features of images and those of their patches; `None` for an encoder without patch
    /// tokens.
    ///
    /// # Shapes
    /// `images` as in [`forward`](Self::forward).
    fn forward_tokens(&self, _images: &Tensor, _mode: Mode) -> Option<Tokens> {
        None
    }

    /// Registers a learned token on `path` that takes the place of masked patches, 0 at first.
    /// Whether there is such a thing: an encoder without patch tokens has none.
    fn add_mask_token(&mut self, _path: &Path) -> bool {
        false
    }

    /// As [`forward_tokens`](Self::forward_tokens), with the mask token in the place of the patches
    /// that `masks` hide; `None` without a mask token.
    ///
    /// # Shapes
    /// `masks` `[n, patches]`, boolean, true for a hidden patch.
    fn forward_masked(&self, _images: &Tensor, _masks: &Tensor, _mode: Mode) -> Option<Tokens> {
        None
    }

    /// Side in pixels of the patches that are tokens; `None` for an encoder without patch tokens.
    fn patch_size(&self) -> Option<i64> {
        None
    }

    /// Number of features of one image.
    fn feature_size(&self) -> i64;

    /// The image sizes that the encoder accepts.
    fn input_sizes(&self) -> InputSizes;

    /// Whether training normalizes over the images of a batch (batch normalization). Such a batch
    /// must not be split.
    fn uses_batch_statistics(&self) -> bool;

    /// Whether stochastic depth leaves branches out in [`Mode::DropPath`], by numbers that the CPU
    /// draws.
    fn drops_paths(&self) -> bool {
        false
    }

    /// Normalizes over the images of all ranks of `group` from now on, where training normalizes
    /// over images at all.
    fn synchronize(&mut self, _group: &Rc<Group>) {}
}

/// What a vision transformer makes of images.
#[derive(Debug)]
pub struct Tokens {
    /// Features of each image `[n, feature_size]`.
    pub features: Tensor,
    /// Features of each patch, row by row, `[n, patches, feature_size]`: after the last
    /// normalization, but for a network whose features are the mean of the patches.
    pub patches: Tensor,
}

/// Sizes in pixels of the square images that an encoder accepts: the multiples of `multiple_of`
/// from `least` to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSizes {
    /// Smallest size.
    pub least: i64,
    /// Largest size; `i64::MAX` for no limit.
    pub most: i64,
    /// Common divisor of the sizes.
    pub multiple_of: i64,
}

impl InputSizes {
    /// One size only.
    pub fn only(side: i64) -> Self {
        Self { least: side, most: side, multiple_of: 1 }
    }

    /// Any size from `least` on.
    pub fn from(least: i64) -> Self {
        Self { least, most: i64::MAX, multiple_of: 1 }
    }

    /// All multiples of `side`.
    pub fn multiples_of(side: i64) -> Self {
        Self { least: side, most: i64::MAX, multiple_of: side }
    }

    /// Whether `side` is accepted.
    pub fn contain(self, side: i64) -> bool {
        (self.least..=self.most).contains(&side) && side % self.multiple_of == 0
    }
}

impl InputSizes {
    /// The accepted multiples next to `side`, the smaller one first; none where any size from the
    /// least on is accepted, or only one.
    pub fn nearest(self, side: i64) -> Vec<i64> {
        if self.multiple_of == 1 {
            return Vec::new();
        }
        let below = side.div_euclid(self.multiple_of) * self.multiple_of;
        let mut near = vec![below, below + self.multiple_of];
        near.retain(|side| self.contain(*side));
        near
    }
}

impl fmt::Display for InputSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { least, most, .. } if least == most => {
                write!(f, "{most}, for which this encoder is built")
            }
            Self { multiple_of: 1, .. } => write!(f, "at least {} for this encoder", self.least),
            Self { multiple_of, .. } => {
                write!(f, "a multiple of {multiple_of}, the side of this encoder's patches")
            }
        }
    }
}

/// The encoders, by their key in a config: `{"conv": {...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncoderConfig {
    /// Strided convolutions and a dense layer.
    Conv(ConvConfig),
    /// A residual network.
    #[serde(rename = "resnet")]
    ResNet(ResNetConfig),
    /// A vision transformer.
    Vit(VitConfig),
    /// A ConvNeXt.
    #[serde(rename = "convnext")]
    ConvNext(ConvNextConfig),
}

impl EncoderConfig {
    /// Builds the encoder for square images of `side` pixels and registers its weights on `path`.
    ///
    /// # Errors
    /// [`ModelError`] where sizes don't fit.
    pub fn build(
        &self,
        path: &Path,
        rng: WeightRng,
        side: i64,
        compute: Kind,
    ) -> Result<Box<dyn Encoder>, ModelError> {
        let encoder: Box<dyn Encoder> = match self {
            Self::Conv(config) => Box::new(ConvEncoder::new(config, path, rng, side, compute)?),
            Self::ResNet(config) => Box::new(ResNet::new(config, path, rng, compute)?),
            Self::Vit(config) => Box::new(Vit::new(config, path, rng, compute)?),
            Self::ConvNext(config) => Box::new(ConvNext::new(config, path, rng, compute)?),
        };
        Ok(self.normalize().before(encoder, path.device()))
    }

    /// Its key in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "conv",
            Self::ResNet(_) => "resnet",
            Self::Vit(_) => "vit",
            Self::ConvNext(_) => "convnext",
        }
    }

    /// What the encoder does to pixels.
    pub fn normalize(&self) -> Normalize {
        match self {
            Self::Conv(_) => Normalize::NONE,
            Self::ResNet(config) => config.normalize,
            Self::Vit(config) => config.normalize,
            Self::ConvNext(config) => config.normalize,
        }
    }

    /// The same encoder with another normalization of pixels; the small convolutional network has
    /// none.
    pub fn with_normalize(mut self, normalize: Normalize) -> Self {
        match &mut self {
            Self::Conv(_) => {}
            Self::ResNet(config) => config.normalize = normalize,
            Self::Vit(config) => config.normalize = normalize,
            Self::ConvNext(config) => config.normalize = normalize,
        }
        self
    }
}
