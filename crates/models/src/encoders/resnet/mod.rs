//! ResNet-18, -34 and -50 with the parameter names of torchvision, so that weights are
//! interchangeable.
//!
//! A network is a stem, four stages of blocks (`block.rs`) and the mean over positions; what
//! normalizes its maps (`norm.rs`) is a setting. There is no classifier (`fc`).

mod block;
mod norm;

use std::rc::Rc;

use group::Group;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use super::vit::is_default;
use crate::{Encoder, InputSizes, Mode, ModelError, Normalize, WeightRng};
use block::{Block, Layer, Layers};

pub use norm::ResNetNorm;

/// Channels inside the blocks of the four stages.
const WIDTHS: [i64; 4] = [64, 128, 256, 512];

/// A residual network without its classifier.
///
/// # Reference
/// He et al. 2015, arXiv 1512.03385, table 1. As in torchvision, the 3 x 3 convolution of a
/// bottleneck has its stride.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResNetConfig {
    /// Layers with weights, the classifier counted: 18, 34 or 50.
    pub depth: i64,
    /// What comes before the blocks.
    pub stem: Stem,
    /// What normalizes the maps.
    pub norm: ResNetNorm,
    /// Optional: what the network subtracts from pixels and divides them by; `none` if missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub normalize: Normalize,
}

/// What comes before the blocks, by the images that it is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// A 7 x 7 convolution of stride 2 and max pooling of stride 2, for images of about 224 pixels.
    ImageNet,
    /// A 3 x 3 convolution of stride 1, for images of about 32 pixels.
    Small,
    /// A 3 x 3 convolution of stride 1 and max pooling of stride 2, for images of about 96 pixels.
    Stl,
}

#[derive(Debug)]
pub(crate) struct ResNet {
    stem: Layer,
    pool: bool,
    blocks: Vec<Block>,
    features: i64,
    norm: ResNetNorm,
    compute: Kind,
    master: Kind,
}

impl ResNetConfig {
    /// The network for pixels as they are.
    pub fn new(depth: i64, stem: Stem, norm: ResNetNorm) -> Self {
        Self { depth, stem, norm, normalize: Normalize::NONE }
    }
}

impl ResNet {
    pub(crate) fn new(
        config: &ResNetConfig,
        path: &Path,
        rng: WeightRng,
        compute: Kind,
    ) -> Result<Self, ModelError> {
        let &ResNetConfig { depth, stem, norm, normalize } = config;
        normalize.validate("encoder.resnet.normalize")?;
        let (counts, bottleneck) = match depth {
            18 => ([2, 2, 2, 2], false),
            34 => ([3, 4, 6, 3], false),
            50 => ([3, 4, 6, 3], true),
            found => return Err(ModelError::Depth { found }),
        };
        let (side, stride, pool) = match stem {
            Stem::ImageNet => (7, 2, true),
            Stem::Small => (3, 1, false),
            Stem::Stl => (3, 1, true),
        };
        let layers = Layers { rng, norm, compute };
        let mut channels = WIDTHS[0];
        let stem = layers.layer(path, ["conv1", "bn1"], (3, channels), (side, stride));
        let mut blocks = Vec::new();
        for (stage, (width, count)) in (1..).zip(WIDTHS.into_iter().zip(counts)) {
            let path = path / format!("layer{stage}");
            for number in 0..count {
                let stride = if stage > 1 && number == 0 { 2 } else { 1 };
                let block =
                    Block::new(layers, &(&path / number), (channels, width), stride, bottleneck);
                channels = block.channels();
                blocks.push(block);
            }
        }
        Ok(Self { stem, pool, blocks, features: channels, norm, compute, master: path.kind() })
    }
}

impl Encoder for ResNet {
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor {
        let x = images.to_kind(self.compute);
        let mut x = self.stem.forward(&x, mode).relu_();
        if self.pool {
            x = x.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        }
        for block in &self.blocks {
            x = block.forward(&x, mode);
        }
        x.mean_dim([2i64, 3].as_slice(), false, self.master)
    }

    fn feature_size(&self) -> i64 {
        self.features
    }

    fn input_sizes(&self) -> InputSizes {
        InputSizes::from(1)
    }

    fn uses_batch_statistics(&self) -> bool {
        self.norm == ResNetNorm::Batch
    }

    fn synchronize(&mut self, group: &Rc<Group>) {
        self.stem.synchronize(group);
        self.blocks.iter_mut().for_each(|block| block.synchronize(group));
    }
}

#[cfg(test)]
mod tests;
