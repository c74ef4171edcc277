//! Fully connected layers.

use tch::nn::Path;
use tch::{Kind, Tensor};

use super::draw;
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
    pub fn new(path: &Path, rng: WeightRng, inputs: i64, outputs: i64, compute: Kind) -> Self {
        let rule = Init::GlorotUniform { fan_in: inputs, fan_out: outputs };
        Self::with_rule(path, rng, (inputs, outputs), rule, compute)
    }

    /// The same with initial weights by `rule`.
    pub fn with_rule(
        path: &Path,
        rng: WeightRng,
        (inputs, outputs): (i64, i64),
        rule: Init,
        compute: Kind,
    ) -> Self {
        Self {
            weight: draw(path, rng, "weight", &[outputs, inputs], rule),
            bias: draw(path, rng, "bias", &[outputs], Init::Zeros),
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
