//! DINO's projection head: cosines with learned prototypes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::{Init, Linear, ModelError, WeightRng};

/// DINO's head: dense layers with GELU between them down to a bottleneck, scaled to unit length,
/// then its cosines with learned directions (a weight-normalized layer whose gains are 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DinoHeadConfig {
    /// Units of each hidden layer; the paper's has two of 2048.
    pub hidden_dims: Vec<i64>,
    /// Size of the vector that is compared; the paper's is 256.
    pub bottleneck_dim: i64,
    /// Number of prototypes; the paper's is 65,536.
    pub output_dim: i64,
    /// Optional: whether the gains of the last layer stay 1, as in DINO; `true` if missing. DINOv2
    /// learns them from 1 on.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub norm_last_layer: bool,
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

/// See [`DinoHeadConfig`].
///
/// # Reference
/// Caron et al. 2021, arXiv 2104.14294, appendix C.
#[derive(Debug)]
pub struct DinoHead {
    dense: Vec<Linear>,
    directions: Tensor,
    /// What cosines are multiplied by `[output_dim]`, where it is learned.
    gains: Option<Tensor>,
    compute: Kind,
    master: Kind,
}

impl DinoHead {
    pub(super) fn new(
        config: &DinoHeadConfig,
        path: &Path,
        rng: WeightRng,
        inputs: i64,
        compute: Kind,
    ) -> Result<Self, ModelError> {
        let key = "projection.dino_head";
        let sizes = || config.hidden_dims.iter().chain([&config.bottleneck_dim]);
        if let Some(&found) = sizes().chain([&config.output_dim]).find(|&&size| size < 1) {
            return Err(ModelError::NotPositive { key, found });
        }
        let mut size = inputs;
        let mut dense = Vec::new();
        for (number, &units) in (1..).zip(sizes()) {
            let path = path / format!("dense{number}");
            dense.push(Linear::new(&path, rng, size, units, compute));
            size = units;
        }
        let shape = [config.output_dim, size];
        let drawn = rng.draw(&path.path("prototypes"), &shape, Init::UnitRows);
        let directions = drawn.to_device(path.device()).to_kind(path.kind());
        let ones = || Tensor::ones([config.output_dim], (path.kind(), path.device()));
        Ok(Self {
            dense,
            directions: path.add("prototypes", directions, true),
            gains: (!config.norm_last_layer).then(|| path.add("gains", ones(), true)),
            compute,
            master: path.kind(),
        })
    }

    /// # Shapes
    /// `features` `[n, inputs]` -> cosines with the prototypes `[n, output_dim]`, times the gains
    /// where they are learned, in the master weights' dtype.
    pub fn forward(&self, features: &Tensor) -> Tensor {
        let (last, first) = self.dense.split_last().expect("a bottleneck");
        let mut x = features.shallow_clone();
        for dense in first {
            x = dense.forward(&x).gelu("none");
        }
        let unit = |x: &Tensor| {
            let norm = x.square().sum_dim_intlist([-1i64].as_slice(), true, x.kind());
            x * norm.clamp_min(1e-12).rsqrt()
        };
        let bottleneck = unit(&last.forward(&x).to_kind(self.master)).to_kind(self.compute);
        let directions = unit(&self.directions).to_kind(self.compute);
        let cosines = bottleneck.matmul(&directions.tr()).to_kind(self.master);
        match &self.gains {
            Some(gains) => cosines * gains,
            None => cosines,
        }
    }
}

#[cfg(test)]
mod tests;
