//! What an encoder is, and the registry of those that can be configured.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::InitStream;
use crate::conv::{ConvConfig, ConvEncoder};
use crate::resnet::{ResNet, ResNetConfig};

/// What a forward pass is for, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training: batch normalisation takes the statistics of the batch, and its running ones move. Nothing
    /// else about an encoder changes in a forward pass.
    Train,
    /// Reading: batch normalisation takes its running statistics, and nothing changes.
    Eval,
}

/// Images to features. In [`Mode::Eval`] each image on its own: what else is in a batch changes nothing, so
/// that a batch may be encoded in parts. In [`Mode::Train`] too, unless the encoder
/// [says otherwise](Encoder::uses_batch_statistics).
pub trait Encoder: std::fmt::Debug {
    /// # Shapes
    /// `images` `[n, 3, h, w]`, float in 0..=1 -> features `[n, feature_size]`, in the kind of the
    /// master weights.
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor;

    /// Number of features of one image.
    fn feature_size(&self) -> i64;

    /// The sides in pixels of images that give features; one only, where the size is built in.
    fn sides(&self) -> RangeInclusive<i64>;

    /// Whether training normalises over the images of a batch, so that the features of one depend on the
    /// others: a batch must not be split then.
    fn uses_batch_statistics(&self) -> bool;
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
        stream: InitStream,
        side: i64,
        compute: Kind,
    ) -> Result<Box<dyn Encoder>, ModelError> {
        match self {
            Self::Conv(config) => Ok(Box::new(ConvEncoder::new(
                config, path, stream, side, compute,
            )?)),
            Self::ResNet(config) => Ok(Box::new(ResNet::new(config, path, stream, compute)?)),
        }
    }
}
