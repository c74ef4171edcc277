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
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;
    use crate::{EncoderConfig, MlpConfig, Norm, ProjectionConfig, WeightStream};

    const RNG: WeightRng = WeightRng { seed: 0, stream: WeightStream::Student };

    fn build(side: i64, store: &VarStore) -> Result<Box<dyn Encoder>, ModelError> {
        EncoderConfig::Conv(ConvConfig { width: 128, layers: 4, pool: Pool::Flatten }).build(
            &(store.root() / "encoder"),
            RNG,
            side,
            Kind::Float,
        )
    }

    #[test]
    fn seed_encoder_and_head_have_889_088_parameters() {
        let store = VarStore::new(Device::Cpu);
        let encoder = build(96, &store).unwrap();
        let head = ProjectionConfig::Mlp(MlpConfig {
            hidden_dims: vec![128],
            output_dim: 128,
            norm: Norm::None,
        });
        head.build(&(store.root() / "projection"), RNG, encoder.feature_size(), Kind::Float)
            .unwrap();
        let count: usize = store.trainable_variables().iter().map(Tensor::numel).sum();
        assert_eq!(count, 889_088);
    }

    #[test]
    fn names_are_the_checkpoints_schema() {
        let store = VarStore::new(Device::Cpu);
        build(96, &store).unwrap();
        let mut names: Vec<_> = store.variables().into_keys().collect();
        names.sort();
        let expected: Vec<_> = ["conv1", "conv2", "conv3", "conv4", "dense"]
            .iter()
            .flat_map(|layer| ["bias", "weight"].map(|tensor| format!("encoder.{layer}.{tensor}")))
            .collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_mean_over_positions_takes_any_side() {
        let store = VarStore::new(Device::Cpu);
        let config = ConvConfig { width: 8, layers: 4, pool: Pool::Mean };
        let config = EncoderConfig::Conv(config);
        let encoder = config.build(&store.root(), RNG, 96, Kind::Float).unwrap();
        assert_eq!(encoder.input_sizes(), InputSizes::from(31));
        for side in [31, 48, 96] {
            let images = Tensor::zeros([2, 3, side, side], (Kind::Float, Device::Cpu));
            assert_eq!(encoder.forward(&images, Mode::Eval).size(), [2, 8]);
        }
    }

    #[test]
    fn too_small_images_are_refused_with_the_least_size() {
        let store = VarStore::new(Device::Cpu);
        let error = build(30, &store).unwrap_err().to_string();
        assert!(error.contains("at least 31 pixels, found 30"), "{error}");
        let store = VarStore::new(Device::Cpu);
        let encoder = build(31, &store).unwrap();
        assert_eq!(encoder.input_sizes(), InputSizes::only(31));
        let images = Tensor::zeros([2, 3, 31, 31], (Kind::Float, Device::Cpu));
        assert_eq!(encoder.forward(&images, Mode::Eval).size(), [2, 128]);
    }
}
