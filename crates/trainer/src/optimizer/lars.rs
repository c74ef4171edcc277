//! LARS: layer-wise adaptive rate scaling, for large batches.

use methods::Schedule;
use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::exclusion::{decayed, is_bias_or_norm};
use super::ranges::Ranges;
use super::{Now, Rule};
use crate::ConfigError;

/// Hyper-parameters of LARS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LarsConfig {
    /// Global step size.
    pub learning_rate: Schedule,
    /// Share of the past steps that a step keeps; the papers' is 0.9.
    pub momentum: f64,
    /// Length of a parameter's step over that of the parameter, for a step size of 1; the papers'
    /// is 0.001.
    pub trust_coefficient: f64,
    /// Multiple of the weights that is added to the gradient; 1e-6 in SimCLR, 1.5e-6 in BYOL and
    /// Barlow Twins.
    pub weight_decay: Schedule,
    /// Whether biases and parameters of normalization are neither decayed nor adapted, as in
    /// SimCLR, BYOL and Barlow Twins: their steps are those of the gradient with momentum.
    pub exclude_bias_and_norm: bool,
}

impl LarsConfig {
    pub(super) fn validate(&self, ranges: &Ranges) -> Result<(), ConfigError> {
        ranges.schedule("learning_rate", &self.learning_rate)?;
        ranges.schedule("weight_decay", &self.weight_decay)?;
        ranges.below_1("momentum", self.momentum)?;
        ranges.positive("trust_coefficient", self.trust_coefficient)
    }
}

/// # Reference
/// You et al. 2017, arXiv 1708.03888, algorithm 1; the step size is inside the momentum.
///
/// # Differs from the paper
/// Where the weights of a parameter are all 0, or neither gradient nor decay would change it, it
/// isn't adapted: it would never move, or by 0 / 0.
#[derive(Debug)]
pub(super) struct Lars {
    coefficient: f64,
    trust_coefficient: f64,
    /// Number of weights of each parameter, here and on the device.
    counts: Vec<i64>,
    repeats: Tensor,
    /// Which parameters are adapted, `[parameters]`.
    adapted: Tensor,
    /// 1 for a weight that is decayed, else 0.
    decayed: Tensor,
    momentum: Tensor,
}

impl Lars {
    pub(super) fn new(config: &LarsConfig, parameters: &FlatParameters) -> Self {
        let flat = parameters.flat();
        let named = parameters.named(flat);
        let counts: Vec<i64> = named.iter().map(|(_, part)| part.numel() as i64).collect();
        let adapted = named.iter().map(|(name, part)| {
            !(config.exclude_bias_and_norm && is_bias_or_norm(name, part.dim()))
        });
        let adapted: Vec<bool> = adapted.collect();
        Self {
            coefficient: config.momentum,
            trust_coefficient: config.trust_coefficient,
            repeats: Tensor::from_slice(&counts).to_device(flat.device()),
            counts,
            adapted: Tensor::from_slice(&adapted).to_device(flat.device()),
            decayed: decayed(parameters, config.exclude_bias_and_norm),
            momentum: flat.zeros_like(),
        }
    }

    /// The length of each parameter's part of `flat`. One by one: each is the same sum in every
    /// run, on a GPU too, where adding up by an index is not.
    ///
    /// # Shapes
    /// `[weights]` -> `[parameters]`
    fn lengths(&self, flat: &Tensor) -> Tensor {
        let parts = flat.split_with_sizes(&self.counts, 0);
        let lengths: Vec<Tensor> = parts.iter().map(Tensor::norm).collect();
        Tensor::stack(&lengths, 0)
    }

    /// What each parameter's step size is multiplied by: the paper's "local LR".
    ///
    /// # Shapes
    /// `[weights]`, `[weights]` -> `[parameters]`
    fn trust(&self, weights: &Tensor, gradient: &Tensor, weight_decay: f64) -> Tensor {
        let (weights, slopes) = (self.lengths(weights), self.lengths(gradient));
        let slopes = slopes + &weights * weight_decay;
        let usable = weights.gt(0.0).logical_and(&slopes.gt(0.0));
        let usable = usable.logical_and(&self.adapted);
        let ratio = weights / slopes * self.trust_coefficient;
        ratio.where_self(&usable, &ratio.ones_like())
    }
}

impl Rule for Lars {
    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor, now: Now) {
        let trust = self.trust(weights, gradient, now.weight_decay) * now.learning_rate;
        let rate = trust.repeat_interleave_self_tensor(&self.repeats, 0, weights.size()[0]);
        let slope = gradient + (&*weights * &self.decayed) * now.weight_decay;
        let _ = self.momentum.g_mul_scalar_(self.coefficient);
        self.momentum += slope * rate;
        *weights -= &self.momentum;
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("momentum", &self.momentum)]
    }
}
