//! LARS: layer-wise adaptive rate scaling, for large batches.

use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::no_decay::{decay_mask, is_bias_or_norm};
use crate::update_rule::{StepContext, UpdateRule};
use crate::{DeviceScalar, Error, Interval, Schedule};

/// Hyper-parameters of LARS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LarsConfig {
    /// Global learning rate, 0 and above.
    pub lr: Schedule,
    /// Momentum coefficient in 0..1; the papers' is 0.9.
    pub momentum: f64,
    /// Positive: norm of a parameter's update over the norm of the parameter, for a learning rate
    /// of 1. The papers' is 0.001.
    pub trust_coefficient: f64,
    /// L2 penalty, 0 and above: the multiple of the weights that is added to the gradient; 1e-6 in
    /// SimCLR, 1.5e-6 in BYOL and Barlow Twins.
    pub weight_decay: Schedule,
    /// Whether biases and parameters of normalization layers are neither decayed nor adapted, as in
    /// SimCLR, BYOL and Barlow Twins: they are updated by SGD with momentum.
    pub exclude_bias_and_norm: bool,
}

impl LarsConfig {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        self.lr.checked(&format!("{key}.lr"), Interval::NonNegative)?;
        self.weight_decay.checked(&format!("{key}.weight_decay"), Interval::NonNegative)?;
        Interval::UnitHalfOpen.check(&format!("{key}.momentum"), self.momentum)?;
        Interval::Positive.check(&format!("{key}.trust_coefficient"), self.trust_coefficient)
    }
}

/// The momentum buffer and the update.
///
/// # Reference
/// You et al. 2017, arXiv 1708.03888, algorithm 1; the learning rate is applied before the
/// momentum.
///
/// # Differs from the paper
/// Where the weights of a parameter are all 0, or neither gradient nor decay would change it, it
/// isn't adapted: it would never move, or by 0 / 0.
#[derive(Debug)]
pub(crate) struct Lars {
    coefficient: f64,
    trust_coefficient: f64,
    lr: DeviceScalar,
    weight_decay: DeviceScalar,
    /// Number of weights of each parameter.
    counts: Vec<i64>,
    /// The same on the device, `[parameters]`, `i64`.
    repeats: Tensor,
    /// Which parameters are adapted, `[parameters]`, `bool`.
    adapted: Tensor,
    /// 1 for a weight that is decayed, else 0; `[weights]`.
    decay_mask: Tensor,
    momentum: Tensor,
}

impl Lars {
    pub(crate) fn new(config: &LarsConfig, parameters: &FlatParameters) -> Self {
        let flat = parameters.flat();
        let named = parameters.named(flat);
        let counts: Vec<i64> = named.iter().map(|(_, part)| part.numel() as i64).collect();
        let adapted = named.iter().map(|(name, part)| {
            !(config.exclude_bias_and_norm && is_bias_or_norm(name, part.dim()))
        });
        let adapted: Vec<bool> = adapted.collect();
        let zero = || DeviceScalar::new(0.0, (flat.kind(), flat.device()));
        Self {
            coefficient: config.momentum,
            trust_coefficient: config.trust_coefficient,
            lr: zero(),
            weight_decay: zero(),
            repeats: Tensor::from_slice(&counts).to_device(flat.device()),
            counts,
            adapted: Tensor::from_slice(&adapted).to_device(flat.device()),
            decay_mask: decay_mask(parameters, config.exclude_bias_and_norm),
            momentum: flat.zeros_like(),
        }
    }

    /// The norm of each parameter's part of `flat`. One by one: a reduction by index is not
    /// deterministic on a GPU.
    ///
    /// # Shapes
    /// `[weights]` -> `[parameters]`
    fn norms(&self, flat: &Tensor) -> Tensor {
        let parts = flat.split_with_sizes(&self.counts, 0);
        let norms: Vec<Tensor> = parts.iter().map(Tensor::norm).collect();
        Tensor::stack(&norms, 0)
    }

    /// The factor of each parameter's learning rate: the paper's "local LR".
    ///
    /// # Shapes
    /// `[weights]`, `[weights]` -> `[parameters]`
    fn trust(&self, weights: &Tensor, gradient: &Tensor) -> Tensor {
        let (weights, gradients) = (self.norms(weights), self.norms(gradient));
        let gradients = gradients + &weights * self.weight_decay.tensor();
        let usable = weights.gt(0.0).logical_and(&gradients.gt(0.0));
        let usable = usable.logical_and(&self.adapted);
        let ratio = weights / gradients * self.trust_coefficient;
        ratio.where_self(&usable, &ratio.ones_like())
    }
}

impl UpdateRule for Lars {
    fn begin_step(&mut self, context: StepContext) {
        self.lr.set(context.lr);
        self.weight_decay.set(context.weight_decay);
    }

    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor) {
        let trust = self.trust(weights, gradient) * self.lr.tensor();
        let rate = trust.repeat_interleave_self_tensor(&self.repeats, 0, weights.size()[0]);
        let slope = gradient + (&*weights * &self.decay_mask) * self.weight_decay.tensor();
        let _ = self.momentum.g_mul_scalar_(self.coefficient);
        self.momentum += slope * rate;
        *weights -= &self.momentum;
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("momentum", &self.momentum)]
    }
}
