//! Optimizers: how a gradient changes weights.

use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

use crate::adam::Adam;
use crate::adamw::AdamW;
use crate::lars::Lars;
use crate::sgd::Sgd;
use crate::update_rule::{StepContext, UpdateRule};
use crate::{AdamConfig, AdamWConfig, Error, LarsConfig, Schedule, SgdConfig, StepCount};

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
    /// SGD with layer-wise adaptive learning rates, for large batches.
    Lars(LarsConfig),
}

/// An optimizer with its state.
#[derive(Debug)]
pub struct Optimizer {
    lr: Schedule,
    weight_decay: Schedule,
    steps: u64,
    rule: Box<dyn UpdateRule>,
}

impl OptimizerConfig {
    /// Checks the ranges of the numbers; `key` is the optimizer's key in the configuration.
    ///
    /// # Errors
    /// [`Error::Range`], with the dotted key of the first number that is out of its range.
    pub fn validate(&self, key: &str) -> Result<(), Error> {
        match self {
            Self::Adam(adam) => adam.validate(&format!("{key}.adam")),
            Self::AdamW(adamw) => adamw.validate(&format!("{key}.adamw")),
            Self::Sgd(sgd) => sgd.validate(&format!("{key}.sgd")),
            Self::Lars(lars) => lars.validate(&format!("{key}.lars")),
        }
    }
}

impl Optimizer {
    /// An optimizer for `parameters` that has made no step. Its state is on their device, in their
    /// dtype.
    pub fn new(config: &OptimizerConfig, parameters: &FlatParameters) -> Self {
        let none = Schedule::Constant(0.0);
        let (lr, weight_decay, rule): (_, _, Box<dyn UpdateRule>) = match config {
            OptimizerConfig::Adam(adam) => {
                let rule = Adam::new(adam.variant, adam.betas, adam.epsilon, parameters);
                (adam.lr, none, Box::new(rule))
            }
            OptimizerConfig::AdamW(adamw) => {
                let rule = Box::new(AdamW::new(adamw, parameters));
                (adamw.lr, adamw.weight_decay, rule)
            }
            OptimizerConfig::Sgd(sgd) => {
                let rule = Box::new(Sgd::new(sgd, parameters));
                (sgd.lr, sgd.weight_decay, rule)
            }
            OptimizerConfig::Lars(lars) => {
                let rule = Box::new(Lars::new(lars, parameters));
                (lars.lr, lars.weight_decay, rule)
            }
        };
        Self { lr, weight_decay, steps: 0, rule }
    }

    /// The learning rate at a step.
    pub fn lr(&self, count: StepCount) -> f64 {
        self.lr.at(count)
    }

    /// Updates `parameters` once along `gradient`; the schedules are those at `count`.
    ///
    /// # Shapes
    /// As [`update`](Self::update).
    pub fn step(&mut self, parameters: &FlatParameters, gradient: &Tensor, count: StepCount) {
        self.begin_step(count);
        self.update(parameters, gradient);
    }

    /// Takes the values of the schedules at `count`, for the one [`update`](Self::update) that
    /// follows.
    pub fn begin_step(&mut self, count: StepCount) {
        self.steps += 1;
        self.rule.begin_step(StepContext {
            steps: self.steps,
            lr: self.lr.at(count),
            weight_decay: self.weight_decay.at(count),
        });
    }

    /// Updates `parameters` along `gradient`.
    ///
    /// # Shapes
    /// `gradient` `[weights]`, in the order, in the dtype and on the device of
    /// [`FlatParameters::flat`]
    pub fn update(&mut self, parameters: &FlatParameters, gradient: &Tensor) {
        let mut weights = parameters.flat().shallow_clone();
        no_grad(|| self.rule.update(&mut weights, gradient));
    }

    /// Number of steps made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The state, one tensor a parameter, in its shape: `<parameter>.moment1` and
    /// `<parameter>.moment2` of Adam and AdamW, `<parameter>.momentum` of SGD and LARS. The tensors
    /// are views: what is copied into them is restored.
    pub fn state(&self, parameters: &FlatParameters) -> Vec<(String, Tensor)> {
        let state = self.rule.state().into_iter();
        let named = state.flat_map(|(what, flat)| {
            let parts = parameters.named(flat).into_iter();
            parts.map(move |(name, tensor)| (format!("{name}.{what}"), tensor))
        });
        named.collect()
    }

    /// Sets the number of steps made, after the tensors of [`state`](Self::state) were restored.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
    }
}
