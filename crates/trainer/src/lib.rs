//! The training loop: the step, the teacher, the optimisers, checkpoints and the run directory.
//!
//! [`Session::prepare`] checks a [`Config`] against a data set and builds a [`Learner`];
//! [`Session::train`] feeds it batches until the steps are done, and writes what was learned and
//! measured to a [`RunFolder`]. [`Learner::step`] is the protocol of the seed repository, to be read as
//! a paragraph.

mod appended;
mod atomic;
#[cfg(test)]
mod batch_statistics;
mod best;
pub mod checkpoint;
mod clock;
#[cfg(test)]
mod collapse;
mod config;
mod config_error;
mod error;
mod export;
mod finetune;
mod frozen;
mod heads;
mod health;
mod initial;
mod learner;
mod memory;
mod metrics;
#[cfg(test)]
mod micro_batch;
mod networks;
mod observer;
mod optimizer;
mod probe;
mod profile;
mod run_folder;
mod session;
mod setup;
mod sgd;
mod tensorboard;
#[cfg(test)]
mod tests;

pub use appended::Appended;
pub use atomic::check_writable;
pub use best::{Best, BestBy, Criterion};
pub use config::{
    AugmentConfig, CheckpointConfig, Config, ProbeConfig, Reduction, TeacherInit, TrainConfig,
};
pub use config_error::ConfigError;
pub use error::Error;
pub use export::Pixels;
pub use finetune::finetune;
pub use frozen::{Frozen, Weights, WeightsRecord};
pub use health::{Health, HealthConfig, OnCollapse};
pub use initial::InitRecord;
pub use learner::{Learner, Measured, Step, Task};
pub use metrics::{EpochMetrics, StepNumbers};
pub use networks::{Kinds, Networks, Teacher};
pub use observer::{EpochReport, History, Observer, Progress, TestBest};
pub use optimizer::{
    AdamConfig, AdamForm, AdamWConfig, LarsConfig, Optimizer, OptimizerConfig, SgdConfig,
};
pub use probe::{Probe, ProbeScore};
pub use profile::StepSecs;
pub use run_folder::{BatchRecord, DataRecord, RunFolder, RunRecord, read_record, write_json};
pub use session::{EarlyStop, Outcome, Session};
pub use setup::Origin;
pub use sgd::{ClassifierSettings, Watch, sgd};
