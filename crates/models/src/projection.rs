//! The head that training puts on the features and evaluation throws away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::encoder::ModelError;
use crate::{Init, Linear, Mlp, MlpConfig, WeightRng};

/// The heads, by their key in a config: `{"mlp": {...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionConfig {
    /// Dense layers with ReLU between them.
    Mlp(MlpConfig),
    /// Dense layers, then cosines with prototypes.
    DinoHead(DinoHeadConfig),
}

/// DINO's head: dense layers with GELU between them down to a bottleneck, scaled to unit length,
/// then its cosines with learned directions (a weight-normalized layer whose gains stay 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DinoHeadConfig {
    /// Units of each hidden layer; the paper's has two of 2048.
    pub hidden_dims: Vec<i64>,
    /// Size of the vector that is compared; the paper's is 256.
    pub bottleneck_dim: i64,
    /// Number of prototypes; the paper's is 65,536.
    pub output_dim: i64,
}

/// Features to projections.
#[derive(Debug)]
pub enum Projection {
    /// See [`ProjectionConfig::Mlp`].
    Mlp(Mlp),
    /// See [`ProjectionConfig::DinoHead`].
    DinoHead(DinoHead),
}

/// See [`DinoHeadConfig`].
///
/// # Reference
/// Caron et al. 2021, arXiv 2104.14294, appendix C.
#[derive(Debug)]
pub struct DinoHead {
    dense: Vec<Linear>,
    directions: Tensor,
    compute: Kind,
    master: Kind,
}

impl ProjectionConfig {
    /// Builds the head for features of size `inputs` and registers its weights on `path`.
    ///
    /// # Errors
    /// [`ModelError::NotPositive`] where a size isn't.
    pub fn build(
        &self,
        path: &Path,
        stream: WeightRng,
        inputs: i64,
        compute: Kind,
    ) -> Result<Projection, ModelError> {
        Ok(match self {
            Self::Mlp(config) => {
                let key = "projection.mlp";
                Projection::Mlp(Mlp::new(config, path, stream, inputs, compute, key)?)
            }
            Self::DinoHead(config) => {
                Projection::DinoHead(DinoHead::new(config, path, stream, inputs, compute)?)
            }
        })
    }

    /// Size of a projection.
    pub fn output(&self) -> i64 {
        match self {
            Self::Mlp(config) => config.output_dim,
            Self::DinoHead(config) => config.output_dim,
        }
    }
}

impl Projection {
    /// # Shapes
    /// `features` `[n, inputs]` -> projections `[n, output]`, in the kind of the master weights.
    pub fn forward(&self, features: &Tensor) -> Tensor {
        match self {
            Self::Mlp(mlp) => mlp.forward(features),
            Self::DinoHead(prototypes) => prototypes.forward(features),
        }
    }
}

impl DinoHead {
    fn new(
        config: &DinoHeadConfig,
        path: &Path,
        stream: WeightRng,
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
            dense.push(Linear::new(&path, stream, size, units, compute));
            size = units;
        }
        let shape = [config.output_dim, size];
        let drawn = stream.draw(&path.path("prototypes"), &shape, Init::UnitRows);
        let directions = drawn.to_device(path.device()).to_kind(path.kind());
        Ok(Self {
            dense,
            directions: path.add("prototypes", directions, true),
            compute,
            master: path.kind(),
        })
    }

    fn forward(&self, features: &Tensor) -> Tensor {
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
        bottleneck.matmul(&directions.tr()).to_kind(self.master)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;

    #[test]
    fn prototypes_give_cosines_whatever_the_length_of_their_weights() {
        let store = VarStore::new(Device::Cpu);
        let config = ProjectionConfig::DinoHead(DinoHeadConfig {
            hidden_dims: vec![8],
            bottleneck_dim: 4,
            output_dim: 5,
        });
        let stream = WeightRng { seed: 0, network: 0 };
        let head = config.build(&store.root(), stream, 6, Kind::Float).unwrap();
        let x = Tensor::arange(18, (Kind::Float, Device::Cpu)).cos().view([3, 6]);
        let before = head.forward(&x);
        assert_eq!(before.size(), [3, 5]);
        assert!(before.abs().max().double_value(&[]) <= 1.0 + 1e-6);
        let mut directions = store.variables()["prototypes"].shallow_clone();
        tch::no_grad(|| directions *= 3.0);
        let off = (head.forward(&x) - before).abs().max().double_value(&[]);
        assert!(off < 1e-6, "{off}");
    }
}
