//! Optimizers: how a gradient changes weights.
//!
//! Each is one file: its configuration and its [`Rule`]. Weights, gradient and state are flat
//! tensors in the order of [`FlatParameters`], so that an update is a handful of operations whatever
//! the number of layers; only LARS, which wants the length of every parameter, has some for each.
//! State is saved under the names of the parameters, so that a run can resume exactly. Step size
//! and weight decay are [`Schedule`]s, functions of the step among the planned ones.

mod adam;
mod adamw;
mod clip;
mod exclusion;
mod lars;
mod ranges;
#[cfg(test)]
mod resume;
mod sgd;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

use methods::{Progress, Schedule};
use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

use self::adam::Adam;
use self::adamw::AdamW;
use self::lars::Lars;
use self::ranges::Ranges;
use self::sgd::Sgd;
use crate::ConfigError;

pub use self::adam::{AdamConfig, AdamVariant};
pub use self::adamw::AdamWConfig;
pub(crate) use self::clip::clip;
pub use self::lars::LarsConfig;
pub use self::sgd::SgdConfig;

/// The optimizers, by their key in a config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerConfig {
    /// Adam.
    Adam(AdamConfig),
    /// Adam with decoupled weight decay.
    AdamW(AdamWConfig),
    /// Stochastic gradient descent with momentum.
    Sgd(SgdConfig),
    /// SGD whose steps are as long as the weights they change allow.
    Lars(LarsConfig),
}

/// How one step changes weights.
trait Rule: Debug {
    /// Changes `weights` along `gradient`, both `[weights]`; called without gradient.
    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor, now: Now);

    /// What it accumulates, each `[weights]`, by name.
    fn state(&self) -> Vec<(&'static str, &Tensor)>;
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// Steps made, this one included.
    steps: u64,
    learning_rate: f64,
    weight_decay: f64,
}

/// An optimizer with its state.
#[derive(Debug)]
pub struct Optimizer {
    learning_rate: Schedule,
    weight_decay: Schedule,
    steps: u64,
    rule: Box<dyn Rule>,
}

impl OptimizerConfig {
    /// Checks the ranges of the numbers; `key` is where the optimizer stands in the config.
    ///
    /// # Errors
    /// [`ConfigError::Range`].
    pub fn validate(&self, key: &str) -> Result<(), ConfigError> {
        let below = |name: &str| Ranges::of(format!("{key}.{name}"));
        match self {
            Self::Adam(adam) => adam.validate(&below("adam")),
            Self::AdamW(adamw) => adamw.validate(&below("adamw")),
            Self::Sgd(sgd) => sgd.validate(&below("sgd")),
            Self::Lars(lars) => lars.validate(&below("lars")),
        }
    }
}

impl Optimizer {
    /// An optimizer for `parameters` that has made no step.
    pub fn new(config: &OptimizerConfig, parameters: &FlatParameters) -> Self {
        let none = Schedule::Constant(0.0);
        let (learning_rate, weight_decay, rule): (_, _, Box<dyn Rule>) = match config {
            OptimizerConfig::Adam(adam) => {
                let rule = Adam::new(adam.form, adam.betas, adam.epsilon, parameters);
                (adam.learning_rate, none, Box::new(rule))
            }
            OptimizerConfig::AdamW(adamw) => {
                let rule = Box::new(AdamW::new(adamw, parameters));
                (adamw.learning_rate, adamw.weight_decay, rule)
            }
            OptimizerConfig::Sgd(sgd) => {
                let rule = Box::new(Sgd::new(sgd, parameters));
                (sgd.learning_rate, sgd.weight_decay, rule)
            }
            OptimizerConfig::Lars(lars) => {
                let rule = Box::new(Lars::new(lars, parameters));
                (lars.learning_rate, lars.weight_decay, rule)
            }
        };
        Self { learning_rate, weight_decay, steps: 0, rule }
    }

    /// The step size at a step.
    pub fn learning_rate(&self, progress: Progress) -> f64 {
        self.learning_rate.at(progress)
    }

    /// One update of `parameters` along `gradient`, a flat tensor in their order.
    pub fn step(&mut self, parameters: &FlatParameters, gradient: &Tensor, progress: Progress) {
        self.steps += 1;
        let now = Now {
            steps: self.steps,
            learning_rate: self.learning_rate.at(progress),
            weight_decay: self.weight_decay.at(progress),
        };
        let mut weights = parameters.flat().shallow_clone();
        no_grad(|| self.rule.update(&mut weights, gradient, now));
    }

    /// Number of steps made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What it accumulates, one tensor a parameter: `<parameter>.moment1` and `<parameter>.moment2`
    /// of Adam and AdamW, `<parameter>.momentum` of SGD and LARS.
    pub fn state(&self, parameters: &FlatParameters) -> Vec<(String, Tensor)> {
        let state = self.rule.state().into_iter();
        let named = state.flat_map(|(what, flat)| {
            let parts = parameters.named(flat).into_iter();
            parts.map(move |(name, tensor)| (format!("{name}.{what}"), tensor))
        });
        named.collect()
    }

    /// Says that `steps` steps were made, after what [`state`](Self::state) names was restored.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
    }
}
