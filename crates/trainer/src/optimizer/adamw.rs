//! AdamW: Adam whose weight decay doesn't pass through the moments.

use methods::Schedule;
use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::adam::{Adam, AdamVariant, check_moments};
use super::exclusion::decayed;
use super::ranges::Ranges;
use super::{Now, Rule};
use crate::ConfigError;

/// Hyper-parameters of AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamWConfig {
    /// Step size.
    pub learning_rate: Schedule,
    /// Decay of the first and second moment.
    pub betas: [f64; 2],
    /// Keeps the denominator from 0, as in Adam's form `usual`.
    pub epsilon: f64,
    /// Share of a weight that a step takes away, for a step size of 1. Vision transformers are
    /// trained with 0.05 to 0.3; DINO's goes from 0.04 to 0.4 along a cosine.
    pub weight_decay: Schedule,
    /// Whether biases and parameters of normalization are not decayed.
    pub exclude_bias_and_norm: bool,
}

impl AdamWConfig {
    pub(super) fn validate(&self, ranges: &Ranges) -> Result<(), ConfigError> {
        ranges.schedule("learning_rate", &self.learning_rate)?;
        ranges.schedule("weight_decay", &self.weight_decay)?;
        check_moments(ranges, self.betas, self.epsilon)
    }
}

/// # Reference
/// Loshchilov and Hutter 2017, arXiv 1711.05101, algorithm 2.
///
/// # Differs from the paper
/// The decay of a step is `learning_rate * weight_decay`, as in libtorch, so that it follows the
/// step size's schedule and value; the paper has it follow the schedule alone.
#[derive(Debug)]
pub(super) struct AdamW {
    adam: Adam,
    /// 1 for a weight that is decayed, else 0.
    decayed: Tensor,
}

impl AdamW {
    pub(super) fn new(config: &AdamWConfig, parameters: &FlatParameters) -> Self {
        Self {
            adam: Adam::new(AdamVariant::Usual, config.betas, config.epsilon, parameters),
            decayed: decayed(parameters, config.exclude_bias_and_norm),
        }
    }
}

impl Rule for AdamW {
    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor, now: Now) {
        *weights -= (&*weights * &self.decayed) * (now.learning_rate * now.weight_decay);
        self.adam.update(weights, gradient, now);
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        self.adam.state()
    }
}
