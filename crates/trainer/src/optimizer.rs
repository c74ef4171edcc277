//! Adam over one flat buffer, its moments named tensors so that a run can resume exactly.

use models::Parameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

use crate::ConfigError;

/// The optimisers, by their key in a config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Adam.
    Adam(AdamConfig),
}

/// Hyper-parameters of Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Where epsilon enters.
    pub form: AdamForm,
    /// Step size; the seed's is 0.001.
    pub learning_rate: f64,
    /// Decay of the first and second moment; the seed's are 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Keeps the denominator from 0; the seed's is 1e-7.
    pub epsilon: f64,
}

/// The two ways to add epsilon, which no constant makes equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdamForm {
    /// To the root of the corrected second moment: algorithm 1 of the paper, and libtorch.
    Usual,
    /// To the root of the uncorrected second moment: section 2's "epsilon hat", and Keras.
    Keras,
}

impl OptimizerConfig {
    /// Checks the ranges of the numbers; `key` is where the optimiser stands in the config.
    ///
    /// # Errors
    /// [`ConfigError::Range`].
    pub fn validate(&self, key: &str) -> Result<(), ConfigError> {
        let Self::Adam(adam) = self;
        let checks = [
            (
                "learning_rate",
                adam.learning_rate,
                adam.learning_rate >= 0.0,
                "a number from 0",
            ),
            (
                "betas.0",
                adam.betas[0],
                (0.0..1.0).contains(&adam.betas[0]),
                "a number in 0..1",
            ),
            (
                "betas.1",
                adam.betas[1],
                (0.0..1.0).contains(&adam.betas[1]),
                "a number in 0..1",
            ),
            (
                "epsilon",
                adam.epsilon,
                adam.epsilon > 0.0,
                "a positive number",
            ),
        ];
        match checks
            .iter()
            .find(|(_, value, good, _)| !good || !value.is_finite())
        {
            None => Ok(()),
            Some((name, value, _, expected)) => Err(ConfigError::Range {
                key: format!("{key}.adam.{name}"),
                expected: (*expected).to_owned(),
                found: value.to_string(),
            }),
        }
    }
}

/// Adam and its state.
///
/// # Reference
/// Kingma and Ba 2014, arXiv 1412.6980, algorithm 1.
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    steps: u64,
    moment1: Tensor,
    moment2: Tensor,
}

impl Adam {
    /// An optimiser for `parameters` that has made no step.
    pub fn new(config: &OptimizerConfig, parameters: &Parameters) -> Self {
        let OptimizerConfig::Adam(config) = config;
        let zeros = || parameters.flat().zeros_like();
        Self {
            config: config.clone(),
            steps: 0,
            moment1: zeros(),
            moment2: zeros(),
        }
    }

    /// The step size of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    /// One update of `parameters` along `gradient`, a flat tensor in their order.
    pub fn step(&mut self, parameters: &Parameters, gradient: &Tensor) {
        let AdamConfig {
            form,
            learning_rate,
            betas: [beta1, beta2],
            epsilon,
        } = self.config;
        self.steps += 1;
        let steps = self.steps as f64;
        let (left1, left2) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
        no_grad(|| {
            let _ = self.moment1.lerp_(gradient, 1.0 - beta1);
            let _ = self.moment2.g_mul_scalar_(beta2);
            self.moment2 += gradient.square() * (1.0 - beta2);
            let (step, denominator) = match form {
                AdamForm::Keras => (
                    learning_rate * left2.sqrt() / left1,
                    self.moment2.sqrt() + epsilon,
                ),
                AdamForm::Usual => (
                    learning_rate / left1,
                    self.moment2.sqrt() / left2.sqrt() + epsilon,
                ),
            };
            let mut weights = parameters.flat().shallow_clone();
            weights -= (&self.moment1 / denominator) * step;
        });
    }

    /// Number of steps made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, one tensor a parameter: `<parameter>.moment1` and `<parameter>.moment2`.
    pub fn state(&self, parameters: &Parameters) -> Vec<(String, Tensor)> {
        [("moment1", &self.moment1), ("moment2", &self.moment2)]
            .into_iter()
            .flat_map(|(moment, flat)| {
                parameters
                    .named(flat)
                    .into_iter()
                    .map(move |(name, tensor)| (format!("{name}.{moment}"), tensor))
            })
            .collect()
    }

    /// Says that `steps` steps were made, after the moments in [`state`](Self::state) were restored.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
    }
}
