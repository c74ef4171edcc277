//! A small convolutional encoder, as in the seed repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::{Conv2d, Encoder, InputSizes, Linear, Mode, ModelError, WeightRng};

const SIDE: i64 = 3;
const STRIDE: i64 = 2;

/// `layers` x [convolution 3x3, stride 2, no padding, ReLU], pool, dense, ReLU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvConfig {
    /// Channels of each convolution and size of the features; the seed's is 128.
    pub width: i64,
    /// Number of convolutions; the seed's is 4.
    pub layers: i64,
    /// What becomes of the last map; the seed's is flattened.
    pub pool: Pool,
}

/// What becomes of the map of the last convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// Every position has weights of its own in the dense layer, which fixes the side of the
    /// images.
    Flatten,
    /// The mean over positions, so that images of any side will do.
    Mean,
}

#[derive(Debug)]
pub(crate) struct ConvEncoder {
    convolutions: Vec<Conv2d>,
    pool: Pool,
    sides: InputSizes,
    dense: Linear,
    width: i64,
    compute: Kind,
    master: Kind,
}

impl ConvEncoder {
    pub(crate) fn new(
        config: &ConvConfig,
        path: &Path,
        rng: WeightRng,
        side: i64,
        compute: Kind,
    ) -> Result<Self, ModelError> {
        let &ConvConfig { width, layers, pool } = config;
        for (key, found) in [("encoder.conv.width", width), ("encoder.conv.layers", layers)] {
            if found < 1 {
                return Err(ModelError::NotPositive { key, found });
            }
        }
        let left = (0..layers).fold(side, |side, _| (side - SIDE).div_euclid(STRIDE) + 1);
        let least = (0..layers).fold(1, |side, _| (side - 1) * STRIDE + SIDE);
        if left < 1 {
            return Err(ModelError::ImageTooSmall { layers, least, found: side });
        }
        let convolutions = (0..layers)
            .map(|layer| {
                let inputs = if layer == 0 { 3 } else { width };
                let path = path / format!("conv{}", layer + 1);
                Conv2d::new(&path, rng, (inputs, width), (SIDE, STRIDE), compute)
            })
            .collect();
        let (inputs, sides) = match pool {
            Pool::Flatten => (left * left * width, InputSizes::only(side)),
            Pool::Mean => (width, InputSizes::from(least)),
        };
        let dense = Linear::new(&(path / "dense"), rng, inputs, width, compute);
        Ok(Self { convolutions, pool, sides, dense, width, compute, master: path.kind() })
    }
}

impl Encoder for ConvEncoder {
    fn forward(&self, images: &Tensor, _mode: Mode) -> Tensor {
        let mut x = images.to_kind(self.compute);
        for convolution in &self.convolutions {
            // In place: the convolution's own gradient doesn't need what it gave.
            x = convolution.forward(&x).relu_();
        }
        let x = match self.pool {
            // As (row, column, channel): the order in memory, and the seed's.
            Pool::Flatten => x.permute([0, 2, 3, 1]).flatten(1, -1),
            Pool::Mean => x.mean_dim([2i64, 3].as_slice(), false, self.compute),
        };
        self.dense.forward(&x).relu().to_kind(self.master)
    }

    fn feature_size(&self) -> i64 {
        self.width
    }

    fn input_sizes(&self) -> InputSizes {
        self.sides
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
