//! The training loop: the step, the teacher, the optimizers, checkpoints and the run directory.
//!
//! [`Trainer::prepare`] checks a [`Config`] against a data set and builds a [`Learner`];
//! [`Trainer::train`] feeds it batches until the steps are done, and writes what was learned and
//! measured to a [`RunFolder`]. [`Learner::step`] is the protocol of the seed repository, to be
//! read as a paragraph.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use trainer::{Config, DataSource, EpochProgress, EpochRecord};
//! use trainer::{Observer, Outcome, Provenance, Trainer};
//!
//! /// Watches a run, without a word.
//! struct Silent;
//!
//! impl Observer for Silent {
//!     fn progress(&mut self, _: &EpochProgress) {}
//!     fn epoch(&mut self, _: &EpochRecord) {}
//!     fn collapse_warning(&mut self, _: u32, _: &str) {}
//! }
//!
//! let mut config = Config::read("../../configs/gpu/simclr.json".as_ref())?;
//! for setting in [
//!     "image_size=32",
//!     r#"encoder={"conv": {"width": 8, "layers": 4, "pool": "flatten"}}"#,
//!     "train.epochs=1",
//!     "train.batch_size=16",
//!     "train.device=cpu",
//!     "train.precision=f32",
//!     "health.on_collapse=warn",
//! ] {
//!     config = config.with(setting)?;
//! }
//! let spec = dataset::SyntheticSpec { unlabeled: 40, train: 20, test: 10, size: 32, seed: 0 };
//! let images = dataset::synthetic(&spec)?;
//! let data = DataSource::default();
//! let origin = Provenance { version: "1".into(), revision: "none".into(), data };
//! let mut session = Trainer::prepare(config, images, origin)?;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("run");
//! let run = session.create(&path)?;
//! let outcome = session.train(run, &mut Silent, &AtomicBool::new(false))?;
//! assert_eq!(outcome, Outcome::Finished);
//! assert!(path.join("encoder.safetensors").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checkpoint;
mod config;
mod error;
mod learner;
mod measures;
mod session;
#[cfg(test)]
mod tests;

pub use self::checkpoint::encoder_file::write_encoder;
pub use self::checkpoint::initial_weights;
pub use self::config::{
    AugmentConfig, CheckpointConfig, Config, ConfigError, ConfigFile, DataConfig, Fitted,
    GradClipPer, HealthConfig, Mismatch, OnCollapse, OnRegression, ProbeConfig, ProbeView,
    Reduction, RunRecord, Store, TeacherInit, TrainConfig, ViewGroup, ViewSize, schema,
};
pub use self::error::Error;
pub use self::learner::networks::{
    DTypes, Encoded, EncoderAndHead, EncoderInput, ImageRange, Patches, Teacher,
};
pub use self::learner::probe::{Probe, ProbeScore};
pub use self::learner::{BuildMethod, DeviceBatch, Learner, LearnerOptions, StepMetrics};
pub use self::measures::epoch_metrics::{EpochMetrics, Ratio, StepNumbers};
pub use self::session::Trainer;
pub use self::session::best::BestBy;
pub use self::session::estimate::TimeEstimate;
pub use self::session::observer::{EpochCount, EpochProgress, Observer};
pub use self::session::outcome::{EarlyStop, Outcome};
pub use self::session::resume::{check_data, check_resume, first_mismatch};
pub use self::session::run_folder::{RunFolder, write_json};
pub use self::session::setup::{Provenance, share_cores, training_images};
pub use optim::StepCount;
pub use run::{Best, Criterion, DataSource, EpochRecord, Health, StepSecs};
