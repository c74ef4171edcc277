//! What every optimizer implements.

use std::fmt::Debug;

use tch::Tensor;

/// How one step changes weights.
pub(crate) trait UpdateRule: Debug {
    /// Takes the hyper-parameters of the coming step.
    fn begin_step(&mut self, context: StepContext);

    /// Changes `weights` along `gradient`, both `[weights]`; called without gradient.
    fn update(&mut self, weights: &mut Tensor, gradient: &Tensor);

    /// What it accumulates, each `[weights]`, by name.
    fn state(&self) -> Vec<(&'static str, &Tensor)>;
}

/// The hyper-parameters of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepContext {
    /// Steps made, this one included.
    pub steps: u64,
    /// Learning rate of this step.
    pub lr: f64,
    /// Weight decay of this step.
    pub weight_decay: f64,
}
