//! ConvNeXt with the parameter names of timm, so that weights are interchangeable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use super::vit::is_default;
use super::{DropPathConfig, DropPathRule};
use crate::{Encoder, Init, InputSizes, LayerNorm, Linear, Mode, ModelError, Normalize, WeightRng};

/// Initial weights of convolutions and dense layers.
const WEIGHTS: Init = Init::Normal { deviation: 0.02 };
/// Initial value of LayerScale.
const LAYER_SCALE: f64 = 1e-6;
/// Hidden features of a block's perceptron for each channel.
const MLP_RATIO: i64 = 4;
/// Product of the strides: smaller images leave no position.
const STRIDE: i64 = 32;

/// A ConvNeXt without its classifier; features are the normalized mean over positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvNextConfig {
    /// Channels and blocks.
    pub size: ConvNextSize,
    /// Optional: probability of stochastic depth in the last block, which grows from 0 in the
    /// first, for the student; 0 if missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drop_path: f64,
    /// Optional: what the network subtracts from pixels and divides them by; `none` if missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub normalize: Normalize,
}

/// Channels and blocks of the four stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConvNextSize {
    /// 96, 192, 384 and 768 channels; 3, 3, 9 and 3 blocks.
    Tiny,
}

impl ConvNextSize {
    fn stages(self) -> [(i64, i64); 4] {
        match self {
            Self::Tiny => [(96, 3), (192, 3), (384, 9), (768, 3)],
        }
    }
}

/// # Reference
/// Liu et al. 2022, arXiv 2201.03545, table 9.
///
/// # Differs from the paper
/// Initial weights are normal, not truncated.
#[derive(Debug)]
pub(crate) struct ConvNext {
    /// Each with a convolution that makes positions fewer.
    stages: Vec<(Downsample, Vec<Block>)>,
    norm: LayerNorm,
    /// Probabilities of stochastic depth, one a block.
    drop_path: Vec<f64>,
    features: i64,
    compute: Kind,
    master: Kind,
}

impl ConvNext {
    pub(crate) fn new(
        config: &ConvNextConfig,
        path: &Path,
        rng: WeightRng,
        compute: Kind,
    ) -> Result<Self, ModelError> {
        let &ConvNextConfig { size, drop_path: rate, normalize } = config;
        normalize.validate("encoder.convnext.normalize")?;
        if !(0.0..1.0).contains(&rate) {
            let (key, expected) = ("encoder.convnext.drop_path", "a number from 0, below 1");
            return Err(ModelError::Range { key, expected, found: rate.to_string() });
        }
        let (mut channels, mut stages, mut depth) = (3, Vec::new(), 0);
        for (number, (width, blocks)) in size.stages().into_iter().enumerate() {
            let stage = &(path / "stages") / number;
            let downsample = match number {
                0 => Downsample::stem(&(path / "stem"), rng, width, compute),
                _ => Downsample::between(&(&stage / "downsample"), rng, channels, width, compute),
            };
            let below = &stage / "blocks";
            let made = (0..blocks).map(|block| Block::new(&(&below / block), rng, width, compute));
            stages.push((downsample, made.collect()));
            (channels, depth) = (width, depth + blocks);
        }
        let drop_path = match rate > 0.0 {
            true => DropPathConfig { rate, rule: DropPathRule::Linear }.rates(depth),
            false => Vec::new(),
        };
        let norm = LayerNorm::new(&(&(path / "head") / "norm"), channels);
        Ok(Self { stages, norm, drop_path, features: channels, compute, master: path.kind() })
    }
}

impl Encoder for ConvNext {
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor {
        let mut x = images.to_kind(self.compute);
        // Two branches a block are drawn; a block of this network has one.
        let kept = match mode {
            Mode::DropPath(key) if !self.drop_path.is_empty() => {
                let kept = key.draw(&self.drop_path, images.size()[0] as u64);
                Some(kept.to_device(images.device()).to_kind(self.compute))
            }
            _ => None,
        };
        let mut number = 0;
        for (downsample, blocks) in &self.stages {
            x = downsample.forward(&x);
            for block in blocks {
                let kept = kept.as_ref().map(|kept| kept.get(2 * number));
                x = block.forward(&x, kept.as_ref());
                number += 1;
            }
        }
        self.norm.forward(&x.mean_dim([2i64, 3].as_slice(), false, self.master))
    }

    fn feature_size(&self) -> i64 {
        self.features
    }

    fn input_sizes(&self) -> InputSizes {
        InputSizes::from(STRIDE)
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn drops_paths(&self) -> bool {
        !self.drop_path.is_empty()
    }
}

/// A convolution with its initial values.
#[derive(Debug)]
struct Convolution {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    padding: i64,
    groups: i64,
    compute: Kind,
}

impl Convolution {
    /// Registers `weight` `[outputs, inputs / groups, side, side]` and `bias` `[outputs]`.
    fn new(
        path: &Path,
        rng: WeightRng,
        [inputs, outputs, groups]: [i64; 3],
        [side, stride, padding]: [i64; 3],
        compute: Kind,
    ) -> Self {
        let shape = [outputs, side, side, inputs / groups];
        let drawn = rng.draw(&path.path("weight"), &shape, WEIGHTS);
        let drawn = drawn.to_device(path.device()).to_kind(path.kind());
        let zeros = Tensor::zeros([outputs], (path.kind(), path.device()));
        Self {
            weight: path.add("weight", drawn.permute([0, 3, 1, 2]), true),
            bias: path.add("bias", zeros, true),
            stride,
            padding,
            groups,
            compute,
        }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let weight = self.weight.to_kind(self.compute);
        let bias = self.bias.to_kind(self.compute);
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        x.conv2d(&weight, Some(bias), stride, padding, [1, 1], self.groups)
    }
}

/// `norm` of maps `[n, channels, h, w]` over their channels.
fn normalized(norm: &LayerNorm, x: &Tensor, master: Kind) -> Tensor {
    let kind = x.kind();
    let rows = norm.forward(&x.permute([0, 2, 3, 1]).to_kind(master));
    rows.to_kind(kind).permute([0, 3, 1, 2])
}

/// What makes positions fewer: a convolution of squares that lie side by side, and a
/// normalization, after it in the stem, else before it.
#[derive(Debug)]
struct Downsample {
    norm: LayerNorm,
    convolution: Convolution,
    stem: bool,
    master: Kind,
}

impl Downsample {
    fn stem(path: &Path, rng: WeightRng, width: i64, compute: Kind) -> Self {
        let convolution = Convolution::new(&(path / 0), rng, [3, width, 1], [4, 4, 0], compute);
        let norm = LayerNorm::new(&(path / 1), width);
        Self { norm, convolution, stem: true, master: path.kind() }
    }

    fn between(path: &Path, rng: WeightRng, inputs: i64, width: i64, compute: Kind) -> Self {
        let norm = LayerNorm::new(&(path / 0), inputs);
        let channels = [inputs, width, 1];
        let convolution = Convolution::new(&(path / 1), rng, channels, [2, 2, 0], compute);
        Self { norm, convolution, stem: false, master: path.kind() }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        match self.stem {
            true => normalized(&self.norm, &self.convolution.forward(x), self.master),
            false => self.convolution.forward(&normalized(&self.norm, x, self.master)),
        }
    }
}

/// A depthwise convolution, then a perceptron of each position, with a residual connection.
#[derive(Debug)]
struct Block {
    depthwise: Convolution,
    norm: LayerNorm,
    hidden: Linear,
    output: Linear,
    scale: Tensor,
    master: Kind,
}

impl Block {
    /// Registers `conv_dw`, `norm`, `mlp.fc1`, `mlp.fc2` and `gamma` under `path`.
    fn new(path: &Path, rng: WeightRng, width: i64, compute: Kind) -> Self {
        let dense = |name: &str, inputs, outputs| {
            let path = &(path / "mlp") / name;
            Linear::with_rule(&path, rng, (inputs, outputs), WEIGHTS, compute)
        };
        let scale = Tensor::full([width], LAYER_SCALE, (path.kind(), path.device()));
        let (channels, size) = ([width, width, width], [7, 1, 3]);
        Self {
            depthwise: Convolution::new(&(path / "conv_dw"), rng, channels, size, compute),
            norm: LayerNorm::new(&(path / "norm"), width),
            hidden: dense("fc1", width, MLP_RATIO * width),
            output: dense("fc2", MLP_RATIO * width, width),
            scale: path.add("gamma", scale, true),
            master: path.kind(),
        }
    }

    /// # Shapes
    /// `x` `[n, width, h, w]`, `kept` `[n]` -> as `x`.
    fn forward(&self, x: &Tensor, kept: Option<&Tensor>) -> Tensor {
        let rows = self.depthwise.forward(x).permute([0, 2, 3, 1]).to_kind(self.master);
        let hidden = self.hidden.forward(&self.norm.forward(&rows)).gelu("none");
        let branch = self.output.forward(&hidden);
        let branch = &branch * self.scale.to_kind(branch.kind());
        let branch = match kept {
            Some(kept) => branch * kept.view([-1, 1, 1, 1]),
            None => branch,
        };
        x + branch.permute([0, 3, 1, 2])
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;
    use tch::nn::VarStore;

    use super::*;
    use crate::{DropPathKey, EncoderConfig, WeightStream};

    const RNG: WeightRng = WeightRng { seed: 0, stream: WeightStream::Student };

    fn build(drop_path: f64, compute: Kind) -> Result<Box<dyn Encoder>, ModelError> {
        let size = ConvNextSize::Tiny;
        let config = ConvNextConfig { size, drop_path, normalize: Normalize::NONE };
        let store = VarStore::new(Device::Cpu);
        EncoderConfig::ConvNext(config).build(&store.root(), RNG, 32, compute)
    }

    fn images() -> Tensor {
        Tensor::arange(3 * 3 * 32 * 32, (Kind::Float, Device::Cpu)).sin().view([3, 3, 32, 32])
    }

    #[test]
    fn features_are_of_each_image_and_of_the_master_kind() {
        let x = images();
        for compute in [Kind::Float, Kind::BFloat16] {
            let encoder = build(0.0, compute).unwrap();
            let features = encoder.forward(&x, Mode::Eval);
            assert_eq!((features.size(), features.kind()), (vec![3, 768], Kind::Float));
            assert_eq!(encoder.input_sizes(), InputSizes::from(32));
        }
        let encoder = build(0.0, Kind::Float).unwrap();
        let (all, one) = (encoder.forward(&x, Mode::Train), x.narrow(0, 1, 1));
        let off = (encoder.forward(&one, Mode::Train) - all.narrow(0, 1, 1)).abs().max();
        assert!(off.double_value(&[]) < 1e-4);
    }

    #[test]
    fn drop_path_is_the_student_s_and_has_a_range() {
        let (with, without) = (build(0.9, Kind::Float).unwrap(), build(0.0, Kind::Float).unwrap());
        let x = images();
        let student = Mode::DropPath(DropPathKey { seed: 1, step: 2, first: 0 });
        assert_eq!(with.forward(&x, Mode::Train), without.forward(&x, Mode::Train));
        assert_eq!(without.forward(&x, student), without.forward(&x, Mode::Train));
        assert_ne!(with.forward(&x, student), with.forward(&x, Mode::Train));
        let part = student.from(1);
        let off =
            with.forward(&x.narrow(0, 1, 2), part) - with.forward(&x, student).narrow(0, 1, 2);
        assert!(off.abs().max().double_value(&[]) < 1e-4);
        let error = build(1.0, Kind::Float).unwrap_err().to_string();
        assert_eq!(error, "encoder.convnext.drop_path: expected a number from 0, below 1, found 1");
    }
}
