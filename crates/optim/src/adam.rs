//! Adam.

use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::update_rule::{StepContext, UpdateRule};
use crate::{DeviceScalar, Error, Interval, Schedule};

/// Hyper-parameters of Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Where epsilon is added.
    pub variant: AdamVariant,
    /// Learning rate, 0 and above; the seed's is 0.001.
    pub lr: Schedule,
    /// Decay rates of the first and second moment, each in 0..1; the seed's are 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Positive; keeps the denominator from 0. The seed's is 1e-7.
    pub epsilon: f64,
}

/// Where epsilon is added; no value of epsilon makes the two equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdamVariant {
    /// To the root of the bias-corrected second moment: algorithm 1 of the paper, and PyTorch.
    Pytorch,
    /// To the root of the second moment without bias correction: the "epsilon hat" of section 2
    /// of the paper, and Keras.
    Keras,
}

impl AdamConfig {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        self.lr.checked(&format!("{key}.lr"), Interval::NonNegative)?;
        check_moments(key, self.betas, self.epsilon)
    }
}

/// Checks what Adam and AdamW have in common.
pub(crate) fn check_moments(key: &str, betas: [f64; 2], epsilon: f64) -> Result<(), Error> {
    Interval::UnitHalfOpen.check(&format!("{key}.betas.0"), betas[0])?;
    Interval::UnitHalfOpen.check(&format!("{key}.betas.1"), betas[1])?;
    Interval::Positive.check(&format!("{key}.epsilon"), epsilon)
}

/// The moments and the update.
///
/// # Reference
/// Kingma and Ba 2014, arXiv 1412.6980, algorithm 1.
#[derive(Debug)]
pub(crate) struct Adam {
    variant: AdamVariant,
    betas: [f64; 2],
    epsilon: f64,
    /// Learning rate, with what corrects the bias of the moments but
    /// [`correction2`](Self::correction2).
    step: DeviceScalar,
    /// Square root of what corrects the bias of the second moment, in the variant of PyTorch.
    correction2: DeviceScalar,
    moment1: Tensor,
    moment2: Tensor,
}

impl Adam {
    pub(crate) fn new(
        variant: AdamVariant,
        betas: [f64; 2],
        epsilon: f64,
        parameters: &FlatParameters,
    ) -> Self {
        let flat = parameters.flat();
        let scalar = |value| DeviceScalar::new(value, (flat.kind(), flat.device()));
        let (step, correction2) = (scalar(0.0), scalar(1.0));
        let (moment1, moment2) = (flat.zeros_like(), flat.zeros_like());
        Self { variant, betas, epsilon, step, correction2, moment1, moment2 }
    }
}

impl UpdateRule for Adam {
    fn begin_step(&mut self, context: StepContext) {
        let Self { variant, betas: [beta1, beta2], .. } = *self;
        let steps = context.steps as f64;
        let (correction1, correction2) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
        match variant {
            AdamVariant::Keras => self.step.set(context.lr * correction2.sqrt() / correction1),
            AdamVariant::Pytorch => {
                self.step.set(context.lr / correction1);
                self.correction2.set(correction2.sqrt());
            }
        }
    }

    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor) {
        let Self { variant, betas: [beta1, beta2], epsilon, .. } = *self;
        let _ = self.moment1.lerp_(gradient, 1.0 - beta1);
        let _ = self.moment2.g_mul_scalar_(beta2);
        self.moment2 += gradient.square() * (1.0 - beta2);
        let denominator = match variant {
            AdamVariant::Keras => self.moment2.sqrt() + epsilon,
            AdamVariant::Pytorch => self.moment2.sqrt() / self.correction2.tensor() + epsilon,
        };
        *weights -= (&self.moment1 / denominator) * self.step.tensor();
    }

    fn state(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("moment1", &self.moment1), ("moment2", &self.moment2)]
    }
}
