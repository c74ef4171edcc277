//! The configuration of a run: typed, complete, and refused where a key is unknown.

mod config_file;
mod error;
mod fit;
mod health;
mod optional;
mod read;
mod renamed;
mod schema;
mod strict;
mod suggestion;
mod teacher;
#[cfg(test)]
mod tests;
mod validate;
mod views;

use methods::MethodConfig;
use models::{DeviceChoice, EncoderConfig, Precision, ProjectionConfig};
use optim::{OptimizerConfig, Schedule};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

pub use augment::{ViewGroup, ViewSize};
pub use config_file::ConfigFile;
pub use dataset::Store;
pub use error::ConfigError;
pub use fit::Fitted;
pub use health::{HealthConfig, OnCollapse, OnRegression};
pub use schema::schema;
pub use strict::Mismatch;
pub use views::{AugmentConfig, ProbeView};

use crate::BestBy;

/// Every number of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The JSON Schema that editors check this file with; not read.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Random seed.
    pub seed: u64,
    /// Side in pixels of the images that the encoder takes: views of size 1 are this large, and
    /// images of a folder are resized to it.
    pub image_size: usize,
    /// Optional: how images are read.
    #[serde(default, skip_serializing_if = "DataConfig::is_default")]
    pub data: DataConfig,
    /// Augmentation: the views that the objective compares, and that of the probe.
    pub augment: AugmentConfig,
    /// Images to features.
    pub encoder: EncoderConfig,
    /// Features to projections.
    pub projection: ProjectionConfig,
    /// The objective.
    pub method: MethodConfig,
    /// Trains encoder, projection and whatever the method learns.
    pub optimizer: OptimizerConfig,
    /// The linear probe that is trained alongside, on labels that the encoder never sees.
    pub probe: ProbeConfig,
    /// The training loop: length, batch, device.
    pub train: TrainConfig,
    /// When training counts as collapsed, and what then.
    pub health: HealthConfig,
    /// Checkpoints: how often, and which are kept.
    pub checkpoint: CheckpointConfig,
}

/// `config.json` of a run.
pub type RunRecord = run::RunRecord<Config>;

/// How images are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Optional: what the crops of images of folders and archives are taken from, which is chosen
    /// by their sizes and number unless it is given: `"square"` (the center square, resized to
    /// `image_size`), `"aspect"` (the whole image, its shorter side at most twice `image_size`) or
    /// `"encoded"` (the whole image in its file, decoded for every view). Evaluation always sees
    /// the center square.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,
}

impl DataConfig {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The online probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// Trains the probe.
    pub optimizer: OptimizerConfig,
}

/// The training loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Epochs: passes over the data.
    pub epochs: u32,
    /// Stop after this many steps, if that comes before the last epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u64>,
    /// Ends training after this many epochs in a row that weren't better than the best, as
    /// [`CheckpointConfig::best`] judges them; `None` for never.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<u32>")]
    pub patience: Option<u32>,
    /// Images per step, unlabeled and labeled, in the proportion of the data.
    pub batch_size: usize,
    /// Views that the encoder's backward pass holds at a time; `None` for all of a step.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<usize>")]
    pub micro_batch: Option<usize>,
    /// Whether the gradient is that of the mean of the loss's terms or of their sum.
    pub reduction: Reduction,
    /// Clips the global gradient norm to this value; `None` for no clipping.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<f64>")]
    pub grad_clip_norm: Option<f64>,
    /// Optional: what [`grad_clip_norm`](Self::grad_clip_norm) is the norm of, `"all"` weights
    /// unless it says otherwise.
    #[serde(default, skip_serializing_if = "GradClipPer::is_all")]
    pub grad_clip_per: GradClipPer,
    /// Optional: fraction of all steps, 0 to 1, in which the encoder's weights stay as they are, so
    /// that new heads learn before they change it; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_encoder: Option<f64>,
    /// Optional: fraction of all steps, 0 to 1, in which the prototypes of `projection.dino_head`
    /// stay as they are; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_last_layer: Option<f64>,
    /// Optional: EMA decay of a copy of the networks that probes, measures and evaluation read in
    /// place of the trained ones, for methods without a momentum teacher; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<Schedule>,
    /// How a teacher starts.
    pub teacher_init: TeacherInit,
    /// Optional: whether batch normalization of an encoder that several processes train has the
    /// statistics of all their images; else each has those of its own. `true` unless it says
    /// otherwise.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub sync_norm: bool,
    /// Optional: whether a GPU captures the operations of a step as a CUDA graph and repeats them
    /// as a whole, so that the CPU need not queue them one by one. `false` unless it says
    /// otherwise.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cuda_graph: bool,
    /// Device to train on.
    pub device: DeviceChoice,
    /// Floating-point type of the forward and backward pass.
    pub precision: Precision,
    /// Augmentation threads; 0 chooses by the number of cores.
    pub workers: usize,
    /// Steps whose numbers are logged together: a GPU is waited for this often.
    pub log_every: u64,
}

/// See [`TrainConfig::reduction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// The mean.
    Mean,
    /// The sum, as the seed differentiates.
    Sum,
}

/// See [`TrainConfig::grad_clip_per`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GradClipPer {
    /// The gradient of all weights together.
    #[default]
    All,
    /// That of each network: encoder, projection head, and what the method learns.
    Network,
}

impl GradClipPer {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// See [`TrainConfig::teacher_init`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TeacherInit {
    /// As a copy of the student.
    Copy,
    /// From weights of its own, as in the seed.
    Fresh,
}

/// See [`Config::checkpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Epochs between two checkpoints.
    pub every_epochs: u32,
    /// Steps between two checkpoints, beside those of epochs; 0 for none.
    pub every_steps: u64,
    /// Minutes after which the next step is followed by a checkpoint; 0 for none.
    pub every_minutes: f64,
    /// How many of the newest are kept.
    pub keep_last: usize,
    /// What the best epoch is chosen by, whose checkpoint is kept beside these; `None` for no such
    /// choice.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<BestBy>")]
    pub best: Option<BestBy>,
}

/// What a key that is missing stands for.
fn yes() -> bool {
    true
}

/// Whether a key stands for the same as if it were missing.
fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// For a key that may be `null` but not missing: no hidden defaults.
fn required<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// The schema of such a key.
fn nullable<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Option<T>>()
}
