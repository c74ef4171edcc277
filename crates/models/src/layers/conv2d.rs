//! Square convolutions.

use tch::nn::Path;
use tch::{Kind, Tensor};

use super::draw;
use crate::{Init, WeightRng};

/// A square convolution with the memory order of its weights set to channels last.
#[derive(Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
    compute: Kind,
}

impl Conv2d {
    /// Registers `weight` `[outputs, inputs, side, side]` and `bias` `[outputs]` under `path`. No
    /// padding.
    pub fn new(
        path: &Path,
        rng: WeightRng,
        channels: (i64, i64),
        (side, stride): (i64, i64),
        compute: Kind,
    ) -> Self {
        let area = side * side;
        let rule = Init::GlorotUniform { fan_in: channels.0 * area, fan_out: channels.1 * area };
        Self {
            weight: kernel(path, rng, channels, side, rule),
            bias: Some(draw(path, rng, "bias", &[channels.1], Init::Zeros)),
            stride,
            padding: 0,
            compute,
        }
    }

    /// Registers `weight` `[outputs, inputs, side, side]` under `path` and, where it is asked for,
    /// `bias` `[outputs]`. Padded by half of an odd side with zeros, so that stride 1 keeps the
    /// size of a map, and with the initial weights of residual networks.
    pub fn padded(
        path: &Path,
        rng: WeightRng,
        channels: (i64, i64),
        (side, stride): (i64, i64),
        bias: bool,
        compute: Kind,
    ) -> Self {
        let rule = Init::KaimingNormal { fan_out: channels.1 * side * side };
        Self {
            weight: kernel(path, rng, channels, side, rule),
            bias: bias.then(|| draw(path, rng, "bias", &[channels.1], Init::Zeros)),
            stride,
            padding: side / 2,
            compute,
        }
    }

    /// Registers `weight` `[outputs, inputs, side, side]` and `bias` `[outputs]` under `path`, for
    /// squares that lie side by side. Initial values are those of PyTorch's `Conv2d`.
    pub fn patches(
        path: &Path,
        rng: WeightRng,
        channels: (i64, i64),
        side: i64,
        compute: Kind,
    ) -> Self {
        let bound = 1.0 / ((channels.0 * side * side) as f64).sqrt();
        let rule = Init::Uniform { bound };
        Self {
            weight: kernel(path, rng, channels, side, rule),
            bias: Some(draw(path, rng, "bias", &[channels.1], rule)),
            stride: side,
            padding: 0,
            compute,
        }
    }

    /// # Shapes
    /// `x` `[n, inputs, h, w]` -> `[n, outputs, (h + 2 padding - side) / stride + 1, ...]`, rounded
    /// down.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let weight = self.weight.to_kind(self.compute);
        let bias = self.bias.as_ref().map(|bias| bias.to_kind(self.compute));
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        x.conv2d(&weight, bias, stride, padding, [1, 1], 1)
    }
}

/// Registers the weights of a convolution: shape `[outputs, inputs, side, side]` over memory
/// `[outputs, side, side, inputs]`, which is what channels-last convolutions want.
fn kernel(
    path: &Path,
    rng: WeightRng,
    (inputs, outputs): (i64, i64),
    side: i64,
    rule: Init,
) -> Tensor {
    let drawn = rng.draw(&path.path("weight"), &[outputs, side, side, inputs], rule);
    let weight = drawn.to_device(path.device()).to_kind(path.kind()).permute([0, 3, 1, 2]);
    path.add("weight", weight, true)
}
