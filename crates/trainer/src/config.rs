//! The configuration of a run: typed, complete, and refused where a key is unknown.

use std::path::Path;

use augment::Recipe;
use methods::MethodConfig;
use models::{DeviceChoice, EncoderConfig, Precision, ProjectionConfig};
use optim::OptimizerConfig;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::config_error::range;
use crate::strict;
use crate::{BestBy, ConfigError, HealthConfig};

/// Every number of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The JSON Schema that editors check this file with; not read.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Everything random follows from it.
    pub seed: u64,
    /// Side in pixels to which images of a folder are brought; other sources have their own size.
    pub image_size: usize,
    /// What is done to images before they are seen.
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
    /// How long, on what, how much at a time.
    pub train: TrainConfig,
    /// When training counts as collapsed, and what then.
    pub health: HealthConfig,
    /// What is kept.
    pub checkpoint: CheckpointConfig,
}

/// The recipes of views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// One entry a view that the objective compares.
    pub views: Vec<Recipe>,
    /// The view that the probe is trained on.
    pub probe: Recipe,
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
    /// Passes over the data.
    pub epochs: u32,
    /// Ends training after this many steps, where that comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Ends training after this many epochs in a row that weren't better than the best, as
    /// [`CheckpointConfig::best`] judges them; `None` for never.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<u32>")]
    pub patience: Option<u32>,
    /// Images a step, unlabeled and labeled; the share of labeled ones follows the data.
    pub batch_size: usize,
    /// Views that the encoder's backward pass holds at a time; `None` for all of a step.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<usize>")]
    pub micro_batch: Option<usize>,
    /// Whether the gradient is that of the mean of the loss's terms or of their sum.
    pub reduction: Reduction,
    /// Length to which a longer gradient is shortened; `None` for no limit.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<f64>")]
    pub clip_norm: Option<f64>,
    /// How a teacher starts.
    pub teacher_init: TeacherInit,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Kind of numbers in the networks.
    pub precision: Precision,
    /// Threads that make views; 0 chooses.
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
    pub keep: usize,
    /// What the best epoch is chosen by, whose checkpoint is kept beside these; `None` for no such
    /// choice.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<BestBy>")]
    pub best: Option<BestBy>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file and the line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a text that comes from `origin`.
    ///
    /// # Errors
    /// [`ConfigError::Parse`], naming `origin` and the line, or [`ConfigError::Variant`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let read = || -> Result<(Self, Value), serde_json::Error> {
            Ok((serde_json::from_str(text)?, serde_json::from_str(text)?))
        };
        let (config, given) = read().map_err(|error| {
            let message = error.to_string();
            let context = format!(" at line {} column {}", error.line(), error.column());
            ConfigError::Parse {
                origin: origin.to_owned(),
                line: error.line(),
                column: error.column(),
                message: message.trim_end_matches(&context).to_owned(),
            }
        })?;
        strict::check("", &given, &config.document())
            .map_err(|mismatch| ConfigError::Variant { origin: origin.to_owned(), mismatch })?;
        Ok(config)
    }

    /// The same configuration with `KEY=VALUE` applied; the key is a dotted path, the value JSON
    /// (or else a string).
    ///
    /// # Errors
    /// [`ConfigError`] for a key that isn't there and a value that doesn't fit.
    pub fn with(&self, assignment: &str) -> Result<Self, ConfigError> {
        let (key, text) = assignment
            .split_once('=')
            .ok_or_else(|| ConfigError::NotAnAssignment(assignment.to_owned()))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let mut document = self.document();
        *find(&mut document, key)? = value;
        let bad = |message| ConfigError::BadValue { assignment: assignment.to_owned(), message };
        let config = Self::deserialize(&document).map_err(|error| bad(error.to_string()))?;
        strict::check("", &document, &config.document()).map_err(|error| bad(error.to_string()))?;
        Ok(config)
    }

    /// The configuration as JSON, optional keys included.
    pub fn document(&self) -> Value {
        let mut document = serde_json::to_value(self).expect("a config is always valid JSON");
        if self.train.steps.is_none() {
            document["train"]["steps"] = Value::Null;
        }
        document
    }

    /// Side in pixels of the views, and so of the images that the encoder takes.
    pub fn side(&self) -> usize {
        self.augment.views[0].size
    }

    /// Checks what types alone can't.
    ///
    /// # Errors
    /// [`ConfigError::Range`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        let train = &self.train;
        range("train.epochs", train.epochs > 0, "at least 1", train.epochs.to_string())?;
        range(
            "train.batch_size",
            train.batch_size > 1,
            "at least 2",
            train.batch_size.to_string(),
        )?;
        if let Some(views) = train.micro_batch {
            let expected = "null or at least 1";
            range("train.micro_batch", views > 0, expected, views.to_string())?;
        }
        if let Some(most) = train.clip_norm {
            let (good, expected) = (most > 0.0 && most.is_finite(), "null or a positive number");
            range("train.clip_norm", good, expected, most.to_string())?;
        }
        range("train.log_every", train.log_every > 0, "at least 1", train.log_every.to_string())?;
        if let Some(steps) = train.steps {
            range("train.steps", steps > 0, "at least 1", steps.to_string())?;
        }
        if let Some(epochs) = train.patience {
            let (good, expected) = match self.checkpoint.best {
                Some(_) => (epochs > 0, "null or at least 1"),
                None => (false, "null where checkpoint.best is null"),
            };
            range("train.patience", good, expected, epochs.to_string())?;
        }
        if let Some(BestBy::Validation { share }) = self.checkpoint.best {
            let (key, expected) = ("checkpoint.best.validation.share", "a number between 0 and 1");
            range(key, share > 0.0 && share < 1.0, expected, share.to_string())?;
        }
        range("image_size", self.image_size >= 8, "at least 8", self.image_size.to_string())?;
        let keep = self.checkpoint.keep;
        range("checkpoint.keep", keep > 0, "at least 1", keep.to_string())?;
        let every = self.checkpoint.every_epochs;
        range("checkpoint.every_epochs", every > 0, "at least 1", every.to_string())?;
        let minutes = self.checkpoint.every_minutes;
        range(
            "checkpoint.every_minutes",
            minutes >= 0.0 && minutes.is_finite(),
            "a number from 0",
            minutes.to_string(),
        )?;
        let views = &self.augment.views;
        range(
            "augment.views",
            views.len() >= 2,
            "two global views, and local ones for some methods",
            views.len().to_string(),
        )?;
        let keyed = views.iter().enumerate();
        let keyed = keyed.map(|(view, recipe)| (format!("augment.views.{view}"), recipe));
        let probe = ("augment.probe".to_owned(), &self.augment.probe);
        for (number, (key, recipe)) in [probe].into_iter().chain(keyed).enumerate() {
            recipe.validate().map_err(|error| ConfigError::Range {
                key: key.clone(),
                expected: "a recipe that can be followed".to_owned(),
                found: error.to_string(),
            })?;
            let local = number > 2;
            let (side, found) = (views[0].size, recipe.size);
            range(
                &format!("{key}.size"),
                local || found == side,
                &format!("{side} as in the first view"),
                found.to_string(),
            )?;
        }
        self.health.validate()?;
        self.optimizer.validate("optimizer")?;
        Ok(self.probe.optimizer.validate("probe.optimizer")?)
    }
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

/// The place of the dotted path `key` in `document`.
fn find<'a>(document: &'a mut Value, key: &str) -> Result<&'a mut Value, ConfigError> {
    let mut at = document;
    let mut parent = String::from("the config");
    for part in key.split('.') {
        let known = match &*at {
            Value::Object(map) => map.keys().cloned().collect::<Vec<_>>().join(", "),
            Value::Array(list) => format!("0 to {}", list.len().saturating_sub(1)),
            _ => "no keys".to_owned(),
        };
        let next = match at {
            Value::Object(map) => map.get_mut(part),
            Value::Array(list) => part.parse::<usize>().ok().and_then(|index| list.get_mut(index)),
            _ => None,
        };
        at = next.ok_or_else(|| ConfigError::UnknownKey {
            key: key.to_owned(),
            parent: parent.clone(),
            known,
        })?;
        parent = part.to_owned();
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::tiny_config;

    fn text() -> String {
        serde_json::to_string_pretty(&tiny_config("simclr")).unwrap()
    }

    #[test]
    fn a_config_reads_back_as_it_was_written() {
        let config = tiny_config("dino");
        assert_eq!(Config::parse(&config.document().to_string(), "here").unwrap(), config);
        config.validate().unwrap();
    }

    #[test]
    fn unknown_keys_and_wrong_types_name_their_line() {
        let line =
            |text: &str, what: &str| 1 + text.lines().position(|line| line.contains(what)).unwrap();
        let unknown = text().replace("\"seed\": 0", "\"seed\": 0,\n  \"sead\": 1");
        let error = Config::parse(&unknown, "my.json").unwrap_err().to_string();
        assert!(error.starts_with(&format!("my.json:{}:", line(&unknown, "sead"))), "{error}");
        assert!(error.contains("unknown field `sead`"), "{error}");
        let wrong = text().replace("\"epochs\": 2", "\"epochs\": \"two\"");
        let error = Config::parse(&wrong, "my.json").unwrap_err().to_string();
        assert!(error.starts_with(&format!("my.json:{}:", line(&wrong, "two"))), "{error}");
        assert!(!error.contains(" at line "), "{error}");
    }

    #[test]
    fn settings_change_what_they_name() {
        let config = tiny_config("simclr").with("method.simclr.temperature=0.2").unwrap();
        assert_eq!(config.document()["method"]["simclr"]["temperature"], 0.2);
        let config = config.with("augment.views.1.ops.0.flip.p=0").unwrap();
        assert_eq!(config.document()["augment"]["views"][1]["ops"][0]["flip"]["p"], 0.0);
        assert_eq!(config.with("train.steps=7").unwrap().train.steps, Some(7));
        assert_eq!(config.with("train.precision=bf16").unwrap().train.precision, Precision::Bf16);
    }

    #[test]
    fn settings_that_can_not_be_made_say_why() {
        let error = |assignment| tiny_config("simclr").with(assignment).unwrap_err().to_string();
        assert!(error("train.epoch=3").contains("train has epochs"), "{}", error("train.epoch=3"));
        assert!(error("train.epochs").contains("KEY=VALUE"));
        assert!(error("train.epochs=many").contains("many"));
        assert!(error("method.dino.temperature=1").contains("method has simclr"));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for (assignment, key) in [
            ("train.epochs=0", "train.epochs"),
            ("train.batch_size=1", "train.batch_size"),
            ("train.micro_batch=0", "train.micro_batch"),
            ("train.clip_norm=0", "train.clip_norm"),
            ("checkpoint.keep=0", "checkpoint.keep"),
            ("train.patience=0", "train.patience"),
            ("checkpoint.best={\"validation\":{\"share\":1}}", "checkpoint.best.validation.share"),
            ("checkpoint.every_minutes=-1", "checkpoint.every_minutes"),
            ("health.checks=0", "health.checks"),
            ("health.least_rank=-1", "health.least_rank"),
            ("optimizer.adam.betas.1=1", "optimizer.adam.betas.1"),
            ("probe.optimizer.adam.epsilon=0", "probe.optimizer.adam.epsilon"),
            ("augment.probe.size=31", "augment.probe.size"),
            ("augment.views.0.ops.1.crop.area.0=2", "augment.views.0"),
        ] {
            let config = tiny_config("simclr").with(assignment).unwrap();
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(key), "{assignment}: {error}");
        }
        let config = tiny_config("simclr").with("checkpoint.best=null").unwrap();
        let config = config.with("train.patience=3").unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("null where checkpoint.best is null"), "{error}");
    }
}
