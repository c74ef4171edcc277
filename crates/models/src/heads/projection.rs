//! The projection head: features to projections, used in pretraining only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use super::dino_head::{DinoHead, DinoHeadConfig};
use super::mlp::{Mlp, MlpConfig};
use crate::{ModelError, WeightRng};

/// The heads, by their key in a config: `{"mlp": {...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionConfig {
    /// Dense layers with ReLU between them.
    Mlp(MlpConfig),
    /// Dense layers, then cosines with prototypes.
    DinoHead(DinoHeadConfig),
    /// No head: projections are the features.
    Identity,
}

/// A projection head: features to projections. Evaluation uses the encoder without it.
#[derive(Debug)]
pub enum ProjectionHead {
    /// See [`ProjectionConfig::Mlp`].
    Mlp(Mlp),
    /// See [`ProjectionConfig::DinoHead`].
    DinoHead(DinoHead),
    /// See [`ProjectionConfig::Identity`]; the kind of the master weights.
    Identity(Kind),
}

impl ProjectionConfig {
    /// Builds the head for features of size `inputs` and registers its weights on `path`.
    ///
    /// # Errors
    /// [`ModelError::NotPositive`] where a size isn't.
    pub fn build(
        &self,
        path: &Path,
        rng: WeightRng,
        inputs: i64,
        compute: Kind,
    ) -> Result<ProjectionHead, ModelError> {
        Ok(match self {
            Self::Mlp(config) => {
                let key = "projection.mlp";
                ProjectionHead::Mlp(Mlp::new(config, path, rng, inputs, compute, key)?)
            }
            Self::DinoHead(config) => {
                ProjectionHead::DinoHead(DinoHead::new(config, path, rng, inputs, compute)?)
            }
            Self::Identity => ProjectionHead::Identity(path.kind()),
        })
    }

    /// Size of a projection of features of size `inputs`.
    pub fn output(&self, inputs: i64) -> i64 {
        match self {
            Self::Mlp(config) => config.output_dim,
            Self::DinoHead(config) => config.output_dim,
            Self::Identity => inputs,
        }
    }
}

impl ProjectionHead {
    /// # Shapes
    /// `features` `[n, inputs]` -> projections `[n, output]`, in the kind of the master weights.
    pub fn forward(&self, features: &Tensor) -> Tensor {
        match self {
            Self::Mlp(mlp) => mlp.forward(features),
            Self::DinoHead(head) => head.forward(features),
            Self::Identity(master) => features.to_kind(*master),
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;
    use crate::WeightStream;

    #[test]
    fn no_head_gives_the_features_in_the_kind_of_weights() {
        let store = VarStore::new(Device::Cpu);
        let rng = WeightRng { seed: 0, stream: WeightStream::Student };
        let config = ProjectionConfig::Identity;
        let head = config.build(&store.root(), rng, 6, Kind::BFloat16).unwrap();
        let x = Tensor::arange(12, (Kind::BFloat16, Device::Cpu)).view([2, 6]);
        assert_eq!(head.forward(&x), x.to_kind(Kind::Float));
        assert_eq!((config.output(6), store.variables().len()), (6, 0));
    }

    #[test]
    fn prototypes_give_cosines_whatever_the_length_of_their_weights() {
        let store = VarStore::new(Device::Cpu);
        let config = ProjectionConfig::DinoHead(DinoHeadConfig {
            hidden_dims: vec![8],
            bottleneck_dim: 4,
            output_dim: 5,
            norm_last_layer: true,
        });
        let rng = WeightRng { seed: 0, stream: WeightStream::Student };
        let head = config.build(&store.root(), rng, 6, Kind::Float).unwrap();
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
