//! Stochastic gradient descent with momentum.

use methods::Schedule;
use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::exclusion::decayed;
use super::ranges::Ranges;
use super::{Now, Rule};
use crate::ConfigError;

/// Hyper-parameters of SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SgdConfig {
    /// Step size.
    pub learning_rate: Schedule,
    /// Share of the past steps' direction that a step keeps; 0 for none.
    pub momentum: f64,
    /// Whether momentum is Nesterov's: a step is taken from where momentum alone would lead.
    pub nesterov: bool,
    /// Multiple of the weights that is added to the gradient: that of an L2 penalty.
    pub weight_decay: Schedule,
    /// Whether biases and parameters of normalization are not decayed.
    pub exclude_bias_and_norm: bool,
}

impl SgdConfig {
    pub(super) fn validate(&self, ranges: &Ranges) -> Result<(), ConfigError> {
        ranges.schedule("learning_rate", &self.learning_rate)?;
        ranges.schedule("weight_decay", &self.weight_decay)?;
        ranges.below_1("momentum", self.momentum)?;
        let good = self.momentum > 0.0 || !self.nesterov;
        ranges.check("nesterov", good, "false without momentum", self.nesterov)
    }
}

/// # Reference
/// Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning",
/// equations 1 to 4, in libtorch's form: the step size is outside of the momentum.
#[derive(Debug)]
pub(super) struct Sgd {
    coefficient: f64,
    nesterov: bool,
    /// 1 for a weight that is decayed, else 0.
    decayed: Tensor,
    momentum: Tensor,
}

impl Sgd {
    pub(super) fn new(config: &SgdConfig, parameters: &FlatParameters) -> Self {
        Self {
            coefficient: config.momentum,
            nesterov: config.nesterov,
            decayed: decayed(parameters, config.exclude_bias_and_norm),
            momentum: parameters.flat().zeros_like(),
        }
    }
}

impl Rule for Sgd {
    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor, now: Now) {
        let slope = gradient + (&*weights * &self.decayed) * now.weight_decay;
        let _ = self.momentum.g_mul_scalar_(self.coefficient);
        self.momentum += &slope;
        let direction = match self.nesterov {
            true => slope + &self.momentum * self.coefficient,
            false => self.momentum.shallow_clone(),
        };
        *weights -= direction * now.learning_rate;
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("momentum", &self.momentum)]
    }
}
