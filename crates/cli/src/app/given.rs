//! Which settings the user gave, which are left as they are.

use models::DeviceChoice;
use trainer::ConfigFile;

use crate::app::failure::Failure;
use crate::args::SettingsArguments;

/// What the keys of the optimizers of `--encoder` begin with.
const OF_ENCODERS: &str = "optimizer.adamw.";

/// What was given by hand.
pub struct Given<'a> {
    /// The flags.
    pub arguments: &'a SettingsArguments,
    /// The file of `--config`.
    pub file: Option<&'a ConfigFile>,
}

impl Given<'_> {
    /// Whether the dotted `key`, something below it or something around it was set.
    pub fn has(&self, key: &str) -> bool {
        self.file.is_some_and(|file| file.get(key).is_some())
            || self.arguments.set.iter().any(|assignment| {
                let set = assignment.split('=').next().unwrap_or_default();
                let below = |a: &str, b: &str| {
                    a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                below(set, key) || below(key, set)
            })
    }

    /// Whether an encoder was given, not only a part of one.
    pub fn encoder(&self) -> bool {
        self.arguments.encoder.is_some() || self.sets("encoder")
    }

    /// Whether an optimizer was given, or a part of another one than an encoder brings along.
    pub fn other_optimizer(&self) -> bool {
        self.file.is_some_and(|file| file.get("optimizer").is_some())
            || self.arguments.set.iter().any(|assignment| {
                let key = assignment.split('=').next().unwrap_or_default();
                let own = key.starts_with(OF_ENCODERS);
                (key == "optimizer" || key.starts_with("optimizer.")) && !own
            })
    }

    /// Whether a normalization of pixels was given.
    pub fn normalize(&self) -> bool {
        ["resnet", "vit", "convnext"]
            .iter()
            .any(|kind| self.sets(&format!("encoder.{kind}.normalize")))
    }

    /// Whether the dotted `key` itself was set.
    fn sets(&self, key: &str) -> bool {
        let assigned = |set: &String| set.split('=').next() == Some(key);
        self.file.is_some_and(|file| file.get(key).is_some())
            || self.arguments.set.iter().any(assigned)
    }

    /// Whether the side of the images was given.
    pub fn image_size(&self) -> bool {
        self.arguments.image_size.is_some() || self.has("image_size")
    }

    /// Whether the learning rate was given.
    pub fn lr(&self) -> bool {
        let kinds = ["adam", "adamw", "sgd", "lars"];
        self.arguments.lr.is_some()
            || kinds.iter().any(|kind| self.has(&format!("optimizer.{kind}.lr")))
    }

    /// The device that was asked for.
    pub fn device(&self) -> Result<DeviceChoice, Failure> {
        let set = |assignment: &String| {
            assignment
                .strip_prefix("train.device=")
                .map(|device| device.trim_matches('"').to_owned())
        };
        let of_file = || {
            let device = self.file?.get("train.device")?.as_str()?;
            Some(device.to_owned())
        };
        let asked = self.arguments.device.clone();
        let asked =
            asked.or_else(|| self.arguments.set.iter().rev().find_map(set)).or_else(of_file);
        asked.map_or(Ok(DeviceChoice::Auto), |device| device.parse().map_err(Failure::usage))
    }
}
