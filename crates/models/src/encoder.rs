//! What an encoder is, and the registry of those that can be configured.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::WeightRng;
use crate::conv::{ConvConfig, ConvEncoder};
use crate::resnet::{ResNet, ResNetConfig};
use crate::vit::{Vit, VitConfig};

/// What a forward pass is for, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training: batch normalization takes the statistics of the batch, and its running ones move.
    /// Nothing else about an encoder changes in a forward pass.
    Train,
    /// Reading: batch normalization takes its running statistics, and nothing changes.
    Eval,
}

/// Images to features. In [`Mode::Eval`] each image on its own: what else is in a batch changes
/// nothing, so that a batch may be encoded in parts. In [`Mode::Train`] too, unless the encoder
/// [says otherwise](Encoder::uses_batch_statistics).
pub trait Encoder: fmt::Debug {
    /// # Shapes
    /// `images` `[n, 3, h, w]`, float in 0..=1 -> features `[n, feature_size]`, in the kind of the
    /// master weights.
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor;

    /// Number of features of one image.
    fn feature_size(&self) -> i64;

    /// The sides in pixels of images that give features; one only, where the size is built in.
    fn input_sizes(&self) -> InputSizes;

    /// Whether training normalizes over the images of a batch, so that the features of one depend
    /// on the others: a batch must not be split then.
    fn uses_batch_statistics(&self) -> bool;
}

/// Sides in pixels of the square images that an encoder takes: the multiples of `multiple_of`
/// between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSizes {
    /// The least.
    pub least: i64,
    /// The largest; `i64::MAX` for no limit.
    pub most: i64,
    /// What divides all of them.
    pub multiple_of: i64,
}

impl InputSizes {
    /// One side only.
    pub fn only(side: i64) -> Self {
        Self { least: side, most: side, multiple_of: 1 }
    }

    /// Any side from `least` on.
    pub fn from(least: i64) -> Self {
        Self { least, most: i64::MAX, multiple_of: 1 }
    }

    /// All multiples of a side.
    pub fn multiples_of(side: i64) -> Self {
        Self { least: side, most: i64::MAX, multiple_of: side }
    }

    /// Whether `side` is one of them.
    pub fn contain(self, side: i64) -> bool {
        (self.least..=self.most).contains(&side) && side % self.multiple_of == 0
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
}

/// Why a model can't be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The image is consumed before the last convolution.
    #[error(
        "encoder.conv: {layers} convolutions of stride 2 need images of at least {least} pixels, found {found}"
    )]
    ImageTooSmall {
        /// Convolutions of the encoder.
        layers: i64,
        /// Smallest side that leaves one pixel.
        least: i64,
        /// Side of the images.
        found: i64,
    },
    /// There is no residual network of this depth.
    #[error("encoder.resnet.depth: expected 18, 34 or 50, found {found}")]
    Depth {
        /// Its value.
        found: i64,
    },
    /// Patches have another side than those that there are.
    #[error("encoder.vit.patch_size: expected 8, 12 or 16, found {found}")]
    Patch {
        /// Its value.
        found: i64,
    },
    /// Patches don't cover the images that position embeddings are for.
    #[error(
        "encoder.vit.img_size: expected a multiple of encoder.vit.patch_size, {patch}, up to {most}, found {found}"
    )]
    NotWholePatches {
        /// Side of the patches.
        patch: i64,
        /// Largest side.
        most: i64,
        /// Its value.
        found: i64,
    },
    /// A size that must be positive isn't.
    #[error("{key}: expected a positive number, found {found}")]
    NotPositive {
        /// The key in the config.
        key: &'static str,
        /// Its value.
        found: i64,
    },
}

impl EncoderConfig {
    /// Builds the encoder for square images of `side` pixels and registers its weights on `path`.
    ///
    /// # Errors
    /// [`ModelError`] where sizes don't fit.
    pub fn build(
        &self,
        path: &Path,
        stream: WeightRng,
        side: i64,
        compute: Kind,
    ) -> Result<Box<dyn Encoder>, ModelError> {
        match self {
            Self::Conv(config) => {
                Ok(Box::new(ConvEncoder::new(config, path, stream, side, compute)?))
            }
            Self::ResNet(config) => Ok(Box::new(ResNet::new(config, path, stream, compute)?)),
            Self::Vit(config) => Ok(Box::new(Vit::new(config, path, stream, compute)?)),
        }
    }
}
