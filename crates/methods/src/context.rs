//! What a method is built with: where it registers tensors, and predictors.

use models::{Init, Mlp, MlpConfig, Norm, WeightRng};
use optim::{DeviceScalar, Schedule, StepCount};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor, no_grad};

use crate::MethodError;

/// Context in which a method is built. Tensors that it registers on `path` are trained where they
/// require a gradient, and saved in every checkpoint.
#[derive(Debug)]
pub struct MethodContext<'a> {
    /// Path under which the method registers its tensors.
    pub path: Path<'a>,
    /// Generator of initial values.
    pub weight_rng: WeightRng,
    /// Size of a projection.
    pub dimension: i64,
    /// Side of the global views in pixels.
    pub image_size: i64,
    /// Number of global views, two or more.
    pub global_views: i64,
    /// Compute dtype of networks.
    pub compute: Kind,
}

impl MethodContext<'_> {
    /// Registers a tensor of unit rows `[rows, dimension]`; not trained unless `trained`.
    pub(crate) fn unit_rows(&self, name: &str, rows: i64, trained: bool) -> Tensor {
        let shape = [rows, self.dimension];
        let drawn = self.weight_rng.draw(&self.path.path(name), &shape, Init::UnitRows);
        let drawn = drawn.to_device(self.path.device()).to_kind(self.path.kind());
        self.path.add(name, drawn, trained)
    }

    /// Registers a tensor of zeros that is not trained.
    pub(crate) fn zeros(&self, name: &str, shape: &[i64]) -> Tensor {
        let options = (self.path.kind(), self.path.device());
        self.path.add(name, Tensor::zeros(shape, options), false)
    }

    /// Random directions of `slices` a step.
    pub(crate) fn directions(&self, slices: i64) -> Directions {
        let options = (self.path.kind(), self.path.device());
        let mut directions = Directions {
            weight_rng: self.weight_rng,
            name: self.path.path("directions"),
            current: Tensor::zeros([slices, self.dimension], options),
        };
        directions.draw(0);
        directions
    }

    /// A number that changes along `schedule`, at its start.
    pub(crate) fn scalar(&self, schedule: Schedule) -> DeviceScalar {
        let start = schedule.at(StepCount { step: 0, total: 1 });
        DeviceScalar::new(start, (self.path.kind(), self.path.device()))
    }

    /// Builds the predictor of a config, where it has one.
    pub(crate) fn predictor(
        &self,
        config: &Option<PredictorConfig>,
    ) -> Result<Predictor, MethodError> {
        let Some(config) = config else {
            return Ok(Predictor(None));
        };
        let mlp = MlpConfig {
            hidden_dims: config.hidden_dims.clone(),
            output_dim: self.dimension,
            norm: config.norm,
        };
        let path = &self.path / "predictor";
        let key = "method.*.predictor.hidden_dims";
        let mlp = Mlp::new(&mlp, &path, self.weight_rng, self.dimension, self.compute, key)?;
        Ok(Predictor(Some(mlp)))
    }
}

/// Directions of unit length, uniform on the sphere, others in each step: a function of the run's
/// seed and the step.
#[derive(Debug)]
pub(crate) struct Directions {
    weight_rng: WeightRng,
    name: String,
    /// Those of the step, `[slices, dimension]`.
    current: Tensor,
}

impl Directions {
    /// Draws those of the step `step`.
    pub(crate) fn draw(&mut self, step: u64) {
        let name = format!("{}.{step}", self.name);
        let rows = self.weight_rng.draw(&name, &self.current.size(), Init::UnitRows);
        no_grad(|| self.current.copy_(&rows));
    }

    /// Those of the step.
    ///
    /// # Shapes
    /// `[dimension, slices]`
    pub(crate) fn current(&self) -> Tensor {
        self.current.tr()
    }
}

/// Dense layers from projections to predictions of the same size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictorConfig {
    /// Units of each hidden layer.
    pub hidden_dims: Vec<i64>,
    /// Where batches are normalized.
    pub norm: Norm,
}

/// Projections to predictions; without layers, what it is given.
#[derive(Debug)]
pub(crate) struct Predictor(Option<Mlp>);

impl Predictor {
    /// One without layers.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn forward(&self, projection: &Tensor) -> Tensor {
        match &self.0 {
            Some(mlp) => mlp.forward(projection),
            None => projection.shallow_clone(),
        }
    }
}

/// For a key that may be `null` but not missing: no hidden defaults.
pub(crate) fn required<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// The schema of such a key.
pub(crate) fn nullable<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Option<T>>()
}
