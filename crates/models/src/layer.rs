//! The layers with weights. Each computes in its own kind and keeps master weights as they are.

use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::{Init, WeightRng};

/// A fully connected layer: `y = x W^T + b`.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
    compute: Kind,
}

impl Linear {
    /// Registers `weight` `[outputs, inputs]` and `bias` `[outputs]` under `path`.
    pub fn new(path: &Path, stream: WeightRng, inputs: i64, outputs: i64, compute: Kind) -> Self {
        let rule = Init::GlorotUniform { fan_in: inputs, fan_out: outputs };
        Self::with_rule(path, stream, (inputs, outputs), rule, compute)
    }

    /// The same with initial weights by `rule`.
    pub fn with_rule(
        path: &Path,
        stream: WeightRng,
        (inputs, outputs): (i64, i64),
        rule: Init,
        compute: Kind,
    ) -> Self {
        Self {
            weight: draw(path, stream, "weight", &[outputs, inputs], rule),
            bias: draw(path, stream, "bias", &[outputs], Init::Zeros),
            compute,
        }
    }

    /// # Shapes
    /// `x` `[n, inputs]` -> `[n, outputs]`, in the layer's compute kind.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let weight = self.weight.to_kind(self.compute);
        let bias = self.bias.to_kind(self.compute);
        x.to_kind(self.compute).linear(&weight, Some(bias))
    }
}

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
        stream: WeightRng,
        channels: (i64, i64),
        (side, stride): (i64, i64),
        compute: Kind,
    ) -> Self {
        let area = side * side;
        let rule = Init::GlorotUniform { fan_in: channels.0 * area, fan_out: channels.1 * area };
        Self {
            weight: kernel(path, stream, channels, side, rule),
            bias: Some(draw(path, stream, "bias", &[channels.1], Init::Zeros)),
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
        stream: WeightRng,
        channels: (i64, i64),
        (side, stride): (i64, i64),
        bias: bool,
        compute: Kind,
    ) -> Self {
        let rule = Init::KaimingNormal { fan_out: channels.1 * side * side };
        Self {
            weight: kernel(path, stream, channels, side, rule),
            bias: bias.then(|| draw(path, stream, "bias", &[channels.1], Init::Zeros)),
            stride,
            padding: side / 2,
            compute,
        }
    }

    /// Registers `weight` `[outputs, inputs, side, side]` and `bias` `[outputs]` under `path`, for
    /// squares that lie side by side. Initial values are those of PyTorch's `Conv2d`.
    pub fn patches(
        path: &Path,
        stream: WeightRng,
        channels: (i64, i64),
        side: i64,
        compute: Kind,
    ) -> Self {
        let bound = 1.0 / ((channels.0 * side * side) as f64).sqrt();
        let rule = Init::Uniform { bound };
        Self {
            weight: kernel(path, stream, channels, side, rule),
            bias: Some(draw(path, stream, "bias", &[channels.1], rule)),
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

/// Normalization of each column over the rows of a batch, with the population variance.
///
/// # Reference
/// Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1.
#[derive(Debug)]
pub struct BatchNorm {
    scale_and_shift: Option<(Tensor, Tensor)>,
}

impl BatchNorm {
    /// Added to the variance.
    const EPSILON: f64 = 1e-5;

    /// Registers a scale `weight` `[columns]`, all 1, and a shift `bias` `[columns]`, all 0, under
    /// `path`.
    pub fn affine(path: &Path, columns: i64) -> Self {
        let options = (path.kind(), path.device());
        let scale = path.add("weight", Tensor::ones([columns], options), true);
        let shift = path.add("bias", Tensor::zeros([columns], options), true);
        Self { scale_and_shift: Some((scale, shift)) }
    }

    /// Without scale and shift.
    pub fn plain() -> Self {
        Self { scale_and_shift: None }
    }

    /// # Shapes
    /// `x` `[n, columns]` -> the same, each column with mean 0 and variance 1 before scale and
    /// shift.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (scale, shift) = match &self.scale_and_shift {
            Some((scale, shift)) => (Some(scale), Some(shift)),
            None => (None, None),
        };
        let running = None::<Tensor>;
        x.batch_norm(
            scale,
            shift,
            running.as_ref(),
            running.as_ref(),
            true,
            0.0,
            Self::EPSILON,
            false,
        )
    }
}

/// Normalization of each row over its columns, with the population variance, in the kind of the
/// master weights.
///
/// # Reference
/// Ba et al. 2016, arXiv 1607.06450, equation 4.
#[derive(Debug)]
pub struct LayerNorm {
    scale: Tensor,
    shift: Tensor,
}

impl LayerNorm {
    /// Added to the variance: as timm's vision transformers have it.
    const EPSILON: f64 = 1e-6;

    /// Registers a scale `weight` `[columns]`, all 1, and a shift `bias` `[columns]`, all 0, under
    /// `path`.
    pub fn new(path: &Path, columns: i64) -> Self {
        let options = (path.kind(), path.device());
        Self {
            scale: path.add("weight", Tensor::ones([columns], options), true),
            shift: path.add("bias", Tensor::zeros([columns], options), true),
        }
    }

    /// # Shapes
    /// `x` `[..., columns]` -> the same.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (columns, eps) = (self.scale.size(), Self::EPSILON);
        x.layer_norm(columns, Some(&self.scale), Some(&self.shift), eps, false)
    }
}

/// Registers the weights of a convolution: shape `[outputs, inputs, side, side]` over memory
/// `[outputs, side, side, inputs]`, which is what channels-last convolutions want.
fn kernel(
    path: &Path,
    stream: WeightRng,
    (inputs, outputs): (i64, i64),
    side: i64,
    rule: Init,
) -> Tensor {
    let drawn = stream.draw(&path.path("weight"), &[outputs, side, side, inputs], rule);
    let weight = drawn.to_device(path.device()).to_kind(path.kind()).permute([0, 3, 1, 2]);
    path.add("weight", weight, true)
}

fn draw(path: &Path, stream: WeightRng, name: &str, shape: &[i64], rule: Init) -> Tensor {
    let drawn = stream.draw(&path.path(name), shape, rule);
    path.add(name, drawn.to_device(path.device()).to_kind(path.kind()), true)
}
