//! Ranges of settings, which types alone can't hold.

use models::{EncoderConfig, ProjectionConfig};
use optim::{Interval, OptimizerConfig};
use serde_json::Value;

use super::views::written;
use super::{Config, ConfigError};
use crate::BestBy;

/// The largest size of a layer, queue or the like. Products of three of them fit into 64 bits.
const MAX_SIZE: u64 = 1 << 20;
/// The most views of an image in a group.
const MAX_VIEWS: usize = 1000;

/// Whether a setting is in its range: its key, whether it is, what is expected, what was found.
type Check = (&'static str, bool, &'static str, String);

impl Config {
    /// Checks what types alone can't.
    ///
    /// # Errors
    /// [`ConfigError::Range`] of the first setting that is out of its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let checks = self.numbers().into_iter().chain(self.optional_numbers());
        for (key, good, expected, found) in checks {
            range(key, good, expected, found)?;
        }
        if let Some(ema) = self.train.ema {
            ema.checked("train.ema", Interval::UnitClosed)?;
        }
        let document = self.document();
        for key in ["encoder", "projection", "method"] {
            sizes(key, &document[key])?;
        }
        self.validate_views()?;
        self.health.validate()?;
        self.optimizer.validate("optimizer")?;
        Ok(self.probe.optimizer.validate("probe.optimizer")?)
    }

    fn numbers(&self) -> [Check; 7] {
        let (train, checkpoint) = (&self.train, &self.checkpoint);
        let minutes = checkpoint.every_minutes;
        let row =
            |key, good, expected, found: &dyn ToString| (key, good, expected, found.to_string());
        [
            row("train.epochs", train.epochs > 0, "at least 1", &train.epochs),
            row("train.batch_size", train.batch_size > 1, "at least 2", &train.batch_size),
            row("train.log_every", train.log_every > 0, "at least 1", &train.log_every),
            row("image_size", self.image_size >= 8, "at least 8", &self.image_size),
            row(
                "checkpoint.keep_last",
                checkpoint.keep_last > 0,
                "at least 1",
                &checkpoint.keep_last,
            ),
            row(
                "checkpoint.every_epochs",
                checkpoint.every_epochs > 0,
                "at least 1",
                &checkpoint.every_epochs,
            ),
            row(
                "checkpoint.every_minutes",
                minutes >= 0.0 && minutes.is_finite(),
                "a number from 0",
                &minutes,
            ),
        ]
    }

    fn optional_numbers(&self) -> Vec<Check> {
        let train = &self.train;
        let mut checks: Vec<Check> = Vec::new();
        let mut row =
            |key, good, expected, found: String| checks.push((key, good, expected, found));
        if let Some(views) = train.micro_batch {
            row("train.micro_batch", views > 0, "null or at least 1", views.to_string());
        }
        if let Some(norm) = train.grad_clip_norm {
            let good = norm > 0.0 && norm.is_finite();
            row("train.grad_clip_norm", good, "null or a positive number", norm.to_string());
        }
        let frozen = [
            ("train.freeze_encoder", train.freeze_encoder),
            ("train.freeze_last_layer", train.freeze_last_layer),
        ];
        for (key, fraction) in frozen {
            let Some(fraction) = fraction else { continue };
            let good = (0.0..=1.0).contains(&fraction);
            row(key, good, "null or a fraction in 0..=1", fraction.to_string());
        }
        if let (Some(fraction), false) =
            (train.freeze_last_layer, matches!(self.projection, ProjectionConfig::DinoHead(_)))
        {
            let expected = "null unless projection is a dino_head";
            row("train.freeze_last_layer", false, expected, fraction.to_string());
        }
        if let (
            OptimizerConfig::AdamW(adamw),
            EncoderConfig::Conv(_) | EncoderConfig::ConvNext(_),
        ) = (&self.optimizer, &self.encoder)
        {
            let expected = "null unless the encoder is a ResNet or a vision transformer";
            let good = adamw.layer_decay.is_none();
            row("optimizer.adamw.layer_decay", good, expected, "a decay".to_owned());
        }
        if let Some(steps) = train.max_steps {
            row("train.max_steps", steps > 0, "at least 1", steps.to_string());
        }
        if let Some(epochs) = train.patience {
            let (good, expected) = match self.checkpoint.best {
                Some(_) => (epochs > 0, "null or at least 1"),
                None => (false, "null where checkpoint.best is null"),
            };
            row("train.patience", good, expected, epochs.to_string());
        }
        if let Some(BestBy::ValProbeAcc { val_fraction }) = self.checkpoint.best {
            let key = "checkpoint.best.val_probe_acc.val_fraction";
            let good = val_fraction > 0.0 && val_fraction < 1.0;
            row(key, good, "a number between 0 and 1", val_fraction.to_string());
        }
        checks
    }

    /// The global views come first, at least two; every recipe can be followed.
    fn validate_views(&self) -> Result<(), ConfigError> {
        let groups = &self.augment.views;
        let (mut global, mut local) = (0, false);
        for (index, group) in groups.iter().enumerate() {
            let key = |part: &str| format!("augment.views.{index}.{part}");
            let good = (1..=MAX_VIEWS).contains(&group.count);
            range(&key("count"), good, "1 to 1000", group.count.to_string())?;
            let size = written(group.size);
            match self.is_global(group) {
                true => {
                    let expected = "less than 1 for views after local ones";
                    range(&key("size"), !local, expected, size)?;
                    global += group.count;
                }
                false => {
                    let expected = "1 for the two global views, which come first";
                    range(&key("size"), global >= 2, expected, size)?;
                    local = true;
                }
            }
        }
        range("augment.views", global >= 2, "two global views", format!("{global}"))?;
        let keys = groups.iter().enumerate().flat_map(|(index, group)| {
            std::iter::repeat_n(format!("augment.views.{index}"), group.count)
        });
        let probe = ("augment.probe".to_owned(), self.probe_recipe());
        for (key, recipe) in keys.zip(self.view_recipes()).chain([probe]) {
            recipe.validate().map_err(|error| ConfigError::Range {
                key: format!("{key}.{}", error.key),
                expected: error.expected,
                found: error.found,
            })?;
        }
        Ok(())
    }
}

/// Refuses integers below `key` that no machine has the memory for.
fn sizes(key: &str, value: &Value) -> Result<(), ConfigError> {
    match value {
        Value::Object(values) => {
            values.iter().try_for_each(|(part, value)| sizes(&format!("{key}.{part}"), value))
        }
        Value::Array(values) => {
            (0..).zip(values).try_for_each(|(index, value)| sizes(&format!("{key}.{index}"), value))
        }
        Value::Number(number) => {
            let good = number.as_u64().is_none_or(|number| number <= MAX_SIZE);
            range(key, good, "at most 1048576", number.to_string())
        }
        _ => Ok(()),
    }
}

/// Refuses what is `found` at `key` unless it is `good`.
pub(crate) fn range(
    key: &str,
    good: bool,
    expected: &str,
    found: String,
) -> Result<(), ConfigError> {
    if good {
        return Ok(());
    }
    Err(ConfigError::Range { key: key.to_owned(), expected: expected.to_owned(), found })
}
