//! Multi-layer perceptrons: projection heads and predictors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::{BatchNorm, Linear, ModelError, WeightRng};

/// Dense layers with ReLU between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// Units of each hidden layer; the seed's head has one of 128.
    pub hidden_dims: Vec<i64>,
    /// Size of the output; the seed's is 128.
    pub output_dim: i64,
    /// Where batches are normalized; the seed's head does so nowhere.
    pub norm: Norm,
}

/// Where a perceptron normalizes over the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Nowhere.
    None,
    /// Before each ReLU.
    Hidden,
    /// Before each ReLU and, without scale and shift, at the output.
    All,
}

/// A multi-layer perceptron. It is used while training only, so that batch normalization always
/// takes the statistics of the batch.
#[derive(Debug)]
pub struct Mlp {
    hidden: Vec<(Linear, Option<BatchNorm>)>,
    last: Linear,
    last_norm: Option<BatchNorm>,
    master: Kind,
}

impl Mlp {
    /// Registers `dense1`, `dense2`, ... and `norm1`, ... under `path`; `key` is where the config
    /// stands.
    ///
    /// # Errors
    /// [`ModelError::NotPositive`] where a size isn't.
    pub fn new(
        config: &MlpConfig,
        path: &Path,
        rng: WeightRng,
        inputs: i64,
        compute: Kind,
        key: &'static str,
    ) -> Result<Self, ModelError> {
        for &found in config.hidden_dims.iter().chain([&config.output_dim]) {
            if found < 1 {
                return Err(ModelError::NotPositive { key, found });
            }
        }
        let mut size = inputs;
        let mut hidden = Vec::with_capacity(config.hidden_dims.len());
        for (number, &units) in (1..).zip(&config.hidden_dims) {
            let dense = Linear::new(&(path / format!("dense{number}")), rng, size, units, compute);
            let norm = (config.norm != Norm::None)
                .then(|| BatchNorm::affine(&(path / format!("norm{number}")), units));
            hidden.push((dense, norm));
            size = units;
        }
        let number = config.hidden_dims.len() + 1;
        let name = format!("dense{number}");
        Ok(Self {
            hidden,
            last: Linear::new(&(path / name), rng, size, config.output_dim, compute),
            last_norm: (config.norm == Norm::All).then(BatchNorm::plain),
            master: path.kind(),
        })
    }

    /// # Shapes
    /// `x` `[n, inputs]` -> `[n, output]`, in the kind of the master weights.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let mut x = x.shallow_clone();
        for (dense, norm) in &self.hidden {
            x = dense.forward(&x);
            if let Some(norm) = norm {
                x = norm.forward(&x.to_kind(self.master));
            }
            x = x.relu();
        }
        let x = self.last.forward(&x).to_kind(self.master);
        match &self.last_norm {
            Some(norm) => norm.forward(&x),
            None => x,
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;
    use crate::WeightStream;

    #[test]
    fn normalized_outputs_have_mean_0_and_variance_1_and_names_are_in_order() {
        let store = VarStore::new(Device::Cpu);
        let config = MlpConfig { hidden_dims: vec![7, 5], output_dim: 4, norm: Norm::All };
        let rng = WeightRng { seed: 0, stream: WeightStream::Student };
        let mlp = Mlp::new(&config, &store.root(), rng, 6, Kind::Float, "projection").unwrap();
        let x = Tensor::arange(60, (Kind::Float, Device::Cpu)).sin().view([10, 6]);
        let y = mlp.forward(&x);
        assert_eq!(y.size(), [10, 4]);
        let (mean, variance) = (
            y.mean_dim([0i64].as_slice(), false, Kind::Float),
            y.var_dim([0i64].as_slice(), false, false),
        );
        assert!(mean.abs().max().double_value(&[]) < 1e-5);
        assert!((variance - 1.0).abs().max().double_value(&[]) < 1e-2);
        let mut names: Vec<_> = store.variables().into_keys().collect();
        names.sort();
        let layers = ["dense1", "dense2", "dense3", "norm1", "norm2"];
        let expected: Vec<_> = layers
            .iter()
            .flat_map(|layer| ["bias", "weight"].map(|tensor| format!("{layer}.{tensor}")))
            .collect();
        assert_eq!(names, expected);
    }
}
