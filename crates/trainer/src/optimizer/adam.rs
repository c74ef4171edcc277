//! Adam.

use methods::Schedule;
use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::ranges::Ranges;
use super::{Now, Rule};
use crate::ConfigError;

/// Hyper-parameters of Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Where epsilon enters.
    pub form: AdamVariant,
    /// Step size; the seed's is 0.001.
    pub learning_rate: Schedule,
    /// Decay of the first and second moment; the seed's are 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Keeps the denominator from 0; the seed's is 1e-7.
    pub epsilon: f64,
}

/// The two ways to add epsilon, which no constant makes equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdamVariant {
    /// To the root of the corrected second moment: algorithm 1 of the paper, and libtorch.
    Usual,
    /// To the root of the uncorrected second moment: section 2's "epsilon hat", and Keras.
    Keras,
}

impl AdamConfig {
    pub(super) fn validate(&self, ranges: &Ranges) -> Result<(), ConfigError> {
        ranges.schedule("learning_rate", &self.learning_rate)?;
        check_moments(ranges, self.betas, self.epsilon)
    }
}

/// Checks what Adam and AdamW have in common.
pub(super) fn check_moments(
    ranges: &Ranges,
    betas: [f64; 2],
    epsilon: f64,
) -> Result<(), ConfigError> {
    ranges.below_1("betas.0", betas[0])?;
    ranges.below_1("betas.1", betas[1])?;
    ranges.positive("epsilon", epsilon)
}

/// # Reference
/// Kingma and Ba 2014, arXiv 1412.6980, algorithm 1.
#[derive(Debug)]
pub(super) struct Adam {
    form: AdamVariant,
    betas: [f64; 2],
    epsilon: f64,
    moment1: Tensor,
    moment2: Tensor,
}

impl Adam {
    pub(super) fn new(
        form: AdamVariant,
        betas: [f64; 2],
        epsilon: f64,
        parameters: &FlatParameters,
    ) -> Self {
        let zeros = || parameters.flat().zeros_like();
        Self { form, betas, epsilon, moment1: zeros(), moment2: zeros() }
    }
}

impl Rule for Adam {
    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor, now: Now) {
        let Self { form, betas: [beta1, beta2], epsilon, .. } = *self;
        let steps = now.steps as f64;
        let (left1, left2) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
        let _ = self.moment1.lerp_(gradient, 1.0 - beta1);
        let _ = self.moment2.g_mul_scalar_(beta2);
        self.moment2 += gradient.square() * (1.0 - beta2);
        let (step, denominator) = match form {
            AdamVariant::Keras => {
                (now.learning_rate * left2.sqrt() / left1, self.moment2.sqrt() + epsilon)
            }
            AdamVariant::Usual => {
                (now.learning_rate / left1, self.moment2.sqrt() / left2.sqrt() + epsilon)
            }
        };
        *weights -= (&self.moment1 / denominator) * step;
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("moment1", &self.moment1), ("moment2", &self.moment2)]
    }
}
