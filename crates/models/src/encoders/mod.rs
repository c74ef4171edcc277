//! Encoders: the trait, and the registry of those that a configuration can name.

mod conv;
mod resnet;
mod vit;

pub use self::conv::{ConvConfig, Pool};
pub use self::resnet::{ResNetConfig, ResNetNorm, Stem};
pub use self::vit::{VitConfig, VitSize};

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use self::conv::ConvEncoder;
use self::resnet::ResNet;
use self::vit::Vit;
use crate::{ModelError, WeightRng};

/// Mode of a forward pass, as `train()` and `eval()` in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch normalization uses the statistics of the batch and updates its running statistics.
    /// Nothing else about an encoder changes in a forward pass.
    Train,
    /// Batch normalization uses its running statistics; nothing changes.
    Eval,
}

/// An encoder (backbone): images to features. In [`Mode::Eval`] the features of an image do not
/// depend on the rest of the batch, so that a batch may be encoded in parts. This also holds in
/// [`Mode::Train`], unless [`uses_batch_statistics`](Encoder::uses_batch_statistics).
pub trait Encoder: fmt::Debug {
    /// # Shapes
    /// `images` `[n, 3, h, w]`, float in 0..=1 -> features `[n, feature_size]`, in the dtype of the
    /// master weights.
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor;

    /// Number of features of one image.
    fn feature_size(&self) -> i64;

    /// The image sizes that the encoder accepts.
    fn input_sizes(&self) -> InputSizes;

    /// Whether training normalizes over the images of a batch (batch normalization). Such a batch
    /// must not be split.
    fn uses_batch_statistics(&self) -> bool;
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
        match self {
            Self::Conv(config) => Ok(Box::new(ConvEncoder::new(config, path, rng, side, compute)?)),
            Self::ResNet(config) => Ok(Box::new(ResNet::new(config, path, rng, compute)?)),
            Self::Vit(config) => Ok(Box::new(Vit::new(config, path, rng, compute)?)),
        }
    }
}
