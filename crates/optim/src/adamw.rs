//! AdamW: Adam with decoupled weight decay.

use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::adam::{Adam, check_moments};
use crate::no_decay::decay_mask;
use crate::update_rule::{StepContext, UpdateRule};
use crate::{AdamVariant, DeviceScalar, Error, Interval, LayerDecayConfig, Schedule};

/// Hyper-parameters of AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamWConfig {
    /// Learning rate, 0 and above.
    pub lr: Schedule,
    /// Decay rates of the first and second moment, each in 0..1.
    pub betas: [f64; 2],
    /// Positive; keeps the denominator from 0, added as in Adam's variant `pytorch`.
    pub epsilon: f64,
    /// Weight decay, 0 and above: a step multiplies weights by
    /// `1 - lr * weight_decay`. Vision transformers are trained with 0.05 to 0.3; DINO's
    /// goes from 0.04 to 0.4 along a cosine.
    pub weight_decay: Schedule,
    /// Whether biases and parameters of normalization layers are not decayed.
    pub exclude_bias_and_norm: bool,
    /// Optional: layer-wise decay of the encoder's learning rate; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_decay: Option<LayerDecayConfig>,
}

impl AdamWConfig {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        self.lr.checked(&format!("{key}.lr"), Interval::NonNegative)?;
        self.weight_decay.checked(&format!("{key}.weight_decay"), Interval::NonNegative)?;
        if let Some(layer_decay) = &self.layer_decay {
            layer_decay.validate(key)?;
        }
        check_moments(key, self.betas, self.epsilon)
    }
}

/// The update: weight decay, then a step of Adam.
///
/// # Reference
/// Loshchilov and Hutter 2017, arXiv 1711.05101, algorithm 2.
///
/// # Differs from the paper
/// The decay of a step is `lr * weight_decay`, as in libtorch, so that it follows the
/// schedule and the value of the learning rate; the paper has it follow the schedule alone.
#[derive(Debug)]
pub(crate) struct AdamW {
    pub(crate) adam: Adam,
    /// 1 for a weight that is decayed, else 0; `[weights]`.
    pub(crate) decay_mask: Tensor,
    /// Learning rate times weight decay.
    pub(crate) decay: DeviceScalar,
    /// Factors of the learning rate, `[weights]`, where they are not all 1.
    pub(crate) lr_factors: Option<Tensor>,
}

impl AdamW {
    pub(crate) fn new(config: &AdamWConfig, parameters: &FlatParameters) -> Self {
        Self {
            adam: Adam::new(AdamVariant::Pytorch, config.betas, config.epsilon, parameters),
            decay_mask: decay_mask(parameters, config.exclude_bias_and_norm),
            decay: DeviceScalar::new(0.0, (parameters.flat().kind(), parameters.flat().device())),
            lr_factors: config.layer_decay.map(|decay| decay.factors(parameters)),
        }
    }
}

impl UpdateRule for AdamW {
    fn begin_step(&mut self, context: StepContext) {
        self.decay.set(context.lr * context.weight_decay);
        self.adam.begin_step(context);
    }

    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor) {
        let before = self.lr_factors.as_ref().map(|_| weights.copy());
        *weights -= (&*weights * &self.decay_mask) * self.decay.tensor();
        self.adam.update(weights, gradient);
        if let (Some(before), Some(factors)) = (before, &self.lr_factors) {
            // Moments don't depend on the learning rate, and the step is proportional to it.
            let scaled = (&*weights - &before) * factors + before;
            weights.copy_(&scaled);
        }
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        self.adam.state()
    }
}
