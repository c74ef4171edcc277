//! Optimizers, schedules of hyper-parameters and gradient clipping.
//!
//! Each optimizer is one file: its configuration and its update rule. Weights, gradient and state
//! are flat tensors in the order of [`models::FlatParameters`], so that an update is a handful of
//! operations whatever the number of layers. State is saved under the names of the parameters, so
//! that training resumes exactly. Learning rate and weight decay are [`Schedule`]s: functions of a
//! [`StepCount`].
//!
//! ```
//! use models::FlatParameters;
//! use optim::{Optimizer, OptimizerConfig, Schedule, SgdConfig, StepCount};
//! use tch::nn::{Init, VarStore};
//! use tch::{Device, Kind};
//!
//! let store = VarStore::new(Device::Cpu);
//! let weight = store.root().var("weight", &[2], Init::Const(1.0));
//! let parameters = FlatParameters::flatten(&store);
//!
//! let config = OptimizerConfig::Sgd(SgdConfig {
//!     lr: Schedule::Cosine { start: 0.1, end: 0.0 },
//!     momentum: 0.9,
//!     nesterov: false,
//!     weight_decay: Schedule::Constant(0.0),
//!     exclude_bias_and_norm: true,
//! });
//! config.validate("optimizer")?;
//! let mut optimizer = Optimizer::new(&config, &parameters);
//! for step in 0..10 {
//!     let gradient = parameters.gradient(&weight.square().sum(Kind::Float));
//!     optimizer.step(&parameters, &gradient, StepCount { step, total: 10 });
//! }
//! assert!(weight.square().sum(Kind::Float).double_value(&[]) < 2.0);
//! # Ok::<(), optim::Error>(())
//! ```

mod adam;
mod adamw;
mod clip;
mod device_scalar;
mod error;
mod interval;
mod lars;
mod layer_decay;
mod no_decay;
mod optimizer;
mod schedule;
mod sgd;
#[cfg(test)]
mod tests;
mod update_rule;

pub use adam::{AdamConfig, AdamVariant};
pub use adamw::AdamWConfig;
pub use clip::{clip_grad_norm, clip_grad_norm_per_network};
pub use device_scalar::DeviceScalar;
pub use error::Error;
pub use interval::Interval;
pub use lars::LarsConfig;
pub use layer_decay::{LayerDecayConfig, LayerDecayRule};
pub use optimizer::{Optimizer, OptimizerConfig};
pub use schedule::{Schedule, StepCount};
pub use sgd::SgdConfig;
