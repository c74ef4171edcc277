//! Stochastic gradient descent with momentum.

use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::no_decay::decay_mask;
use crate::update_rule::{StepContext, UpdateRule};
use crate::{DeviceScalar, Error, Interval, Schedule};

/// Hyper-parameters of SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SgdConfig {
    /// Learning rate, 0 and above.
    pub lr: Schedule,
    /// Momentum coefficient in 0..1; 0 for none.
    pub momentum: f64,
    /// Whether momentum is Nesterov's; it needs a momentum above 0.
    pub nesterov: bool,
    /// L2 penalty, 0 and above: the multiple of the weights that is added to the gradient.
    pub weight_decay: Schedule,
    /// Whether biases and parameters of normalization layers are not decayed.
    pub exclude_bias_and_norm: bool,
}

impl SgdConfig {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        self.lr.checked(&format!("{key}.lr"), Interval::NonNegative)?;
        self.weight_decay.checked(&format!("{key}.weight_decay"), Interval::NonNegative)?;
        Interval::UnitHalfOpen.check(&format!("{key}.momentum"), self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::Range {
                key: format!("{key}.nesterov"),
                expected: "false without momentum",
                found: self.nesterov.to_string(),
            });
        }
        Ok(())
    }
}

/// The momentum buffer and the update.
///
/// # Reference
/// Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning",
/// equations 1 to 4, as PyTorch has them: the learning rate is applied after the momentum.
#[derive(Debug)]
pub(crate) struct Sgd {
    coefficient: f64,
    nesterov: bool,
    lr: DeviceScalar,
    weight_decay: DeviceScalar,
    /// 1 for a weight that is decayed, else 0; `[weights]`.
    decay_mask: Tensor,
    momentum: Tensor,
}

impl Sgd {
    pub(crate) fn new(config: &SgdConfig, parameters: &FlatParameters) -> Self {
        let flat = parameters.flat();
        let zero = || DeviceScalar::new(0.0, (flat.kind(), flat.device()));
        Self {
            coefficient: config.momentum,
            nesterov: config.nesterov,
            lr: zero(),
            weight_decay: zero(),
            decay_mask: decay_mask(parameters, config.exclude_bias_and_norm),
            momentum: flat.zeros_like(),
        }
    }
}

impl UpdateRule for Sgd {
    fn begin_step(&mut self, context: StepContext) {
        self.lr.set(context.lr);
        self.weight_decay.set(context.weight_decay);
    }

    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor) {
        let slope = gradient + (&*weights * &self.decay_mask) * self.weight_decay.tensor();
        let _ = self.momentum.g_mul_scalar_(self.coefficient);
        self.momentum += &slope;
        let direction = match self.nesterov {
            true => slope + &self.momentum * self.coefficient,
            false => self.momentum.shallow_clone(),
        };
        *weights -= direction * self.lr.tensor();
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("momentum", &self.momentum)]
    }
}
