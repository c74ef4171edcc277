//! From arguments to a configuration that fits the images.

use std::path::Path;

use dataset::Dataset;
use models::EncoderConfig;
use trainer::initial_weights::InitialWeights;
use trainer::{BestBy, Config, ConfigFile, Fitted, OnCollapse, OnRegression};

use crate::app::continuing::continuing;
use crate::app::encoders::EncoderName;
use crate::app::failure::Failure;
use crate::app::given::Given;
use crate::app::method_name::check_method;
use crate::app::presets::Preset;
use crate::args::{OnCollapseArgument, OnRegressionArgument, SettingsArguments};

/// Batch size that the optimizers of `--encoder` are meant for.
const LR_BATCH: usize = 256;
/// Keys that are set after the encoder was chosen, as they change what it brings along.
const AFTER_ENCODER: [&str; 3] = ["encoder", "optimizer", "projection"];

/// A configuration, and what of it may still be made to fit a set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// What it is based on; none for a whole configuration from a file.
    preset: Option<Preset>,
    file: Option<String>,
    fits_epochs: bool,
    fits_queue: bool,
    /// What was changed for a run that goes on from trained weights, in words.
    changed: Vec<String>,
    /// Batch size that the learning rate is meant for, where it grows with it.
    lr_batch: Option<usize>,
}

impl Settings {
    /// The configuration of `method`, or else that of the method in the file.
    pub fn new(method: Option<&str>, arguments: &SettingsArguments) -> Result<Self, Failure> {
        Self::with_weights(method, arguments, None)
    }

    /// The same for a run that begins with `weights`: with their encoder and normalization of
    /// pixels, where they are known and weren't given.
    pub fn with_weights(
        method: Option<&str>,
        arguments: &SettingsArguments,
        weights: Option<&InitialWeights>,
    ) -> Result<Self, Failure> {
        let file = arguments.config.as_deref().map(ConfigFile::read).transpose()?;
        let method = choose_method(method, arguments.config.as_deref(), file.as_ref())?;
        let given = Given { arguments, file: file.as_ref() };
        let whole = file.as_ref().and_then(ConfigFile::whole);
        let (preset, config) = match whole {
            Some(config) => (None, config.clone()),
            None => {
                let preset = match arguments.preset {
                    Some(preset) => preset,
                    None => Preset::for_device(given.device()?)?,
                };
                let base = preset.config(&method)?;
                let config = file.as_ref().map_or(Ok(base.clone()), |file| file.over(&base))?;
                (Some(preset), config)
            }
        };
        if let (Some(_), Some(path), Some(preset)) = (whole, &arguments.config, arguments.preset) {
            return Err(Failure::usage(format!(
                "{}: expected some keys to set over --preset {}, found a whole configuration \
                 (use --config without --preset)",
                path.display(),
                preset.name()
            )));
        }
        let scales = |preset: Preset| preset.scales_lr(&method).then_some(preset);
        let mut settings = Self {
            preset,
            file: arguments.config.as_ref().map(|path| path.display().to_string()),
            fits_epochs: arguments.epochs.is_none() && !given.has("train.epochs"),
            fits_queue: !given.has(&format!("method.{method}.queue_size")),
            lr_batch: match preset.and_then(scales) {
                Some(preset) => Some(preset.config(&method)?.train.batch_size),
                None => None,
            },
            changed: Vec::new(),
            config,
        };
        settings.change(arguments, &given, weights)?;
        settings.config.validate()?;
        settings.config.pin_teacher()?;
        Ok(settings)
    }

    /// Follows the arguments.
    fn change(
        &mut self,
        arguments: &SettingsArguments,
        given: &Given,
        weights: Option<&InitialWeights>,
    ) -> Result<(), Failure> {
        let (after, before): (Vec<_>, Vec<_>) = arguments
            .set
            .iter()
            .partition(|set| AFTER_ENCODER.iter().any(|key| set.starts_with(key)));
        let mut config = self.config.clone();
        for assignment in before {
            config = config.with(assignment)?;
        }
        config.image_size = arguments.image_size.unwrap_or(config.image_size);
        let of_preset = match self.preset {
            Some(Preset::Cpu) => Some(EncoderName::Convnet),
            Some(Preset::Gpu) => Some(EncoderName::ResNet18),
            Some(Preset::Seed) | None => None,
        };
        let masks = config.method.masks().is_some();
        if let (true, false, EncoderConfig::Vit(vit)) =
            (masks, given.has("encoder"), &mut config.encoder)
        {
            // Position embeddings are laid out for the images that there are.
            vit.img_size = config.image_size as i64 / vit.patch_size * vit.patch_size;
        }
        let of_preset = of_preset.filter(|_| !masks && !given.has("encoder"));
        if let Some(encoder) = arguments.encoder.or(of_preset) {
            config.encoder = encoder.config(&config);
            if encoder.has_optimizer() && self.preset.is_some() && !given.other_optimizer() {
                config = encoder.set_optimizer(config)?;
                self.lr_batch = Some(LR_BATCH);
            }
        }
        let of_weights = weights.and_then(|weights| weights.encoder.as_ref());
        if let Some(encoder) = of_weights.filter(|_| !given.encoder()) {
            config.encoder = encoder.clone();
            let optimizer = match encoder {
                EncoderConfig::Vit(_) | EncoderConfig::ConvNext(_) => {
                    !given.other_optimizer() && self.preset.is_some()
                }
                _ => false,
            };
            if optimizer {
                config = EncoderName::VitSmall.set_optimizer(config)?;
                self.lr_batch = Some(LR_BATCH);
            }
        }
        for assignment in after {
            config = config.with(assignment)?;
        }
        if let Some(normalize) = weights.and_then(|weights| weights.normalize)
            && !given.normalize()
        {
            config.encoder = config.encoder.with_normalize(normalize);
        }
        if weights.is_some() && self.preset.is_some() {
            (config, self.changed) = continuing(config, given)?;
        }
        if let Some(lr) = arguments.lr {
            config.set_lr(lr);
        }
        if given.lr() {
            self.lr_batch = None;
        }
        self.config = set_flags(config, arguments)?;
        Ok(())
    }

    /// Makes batch, queue, epochs and learning rate fit the images of `set` where they weren't
    /// given; a batch that was given too, as there is no larger one. A line for what is not as it
    /// was asked for.
    pub fn fit(&mut self, set: &Dataset) -> Vec<String> {
        let config = &mut self.config;
        let images = trainer::training_images(config.checkpoint.best, set);
        let mut notes = Vec::new();
        if let Some(fitted) = config.fit_batch(images) {
            notes.push(batch_note(fitted));
        }
        if let Some(preset) = self.preset {
            let epochs = preset.epochs(images).filter(|_| self.fits_epochs);
            config.train.epochs = epochs.unwrap_or(config.train.epochs);
            if self.fits_queue
                && let Some(Fitted { asked, fits }) = config.fit_queue(images)
            {
                notes.push(format!(
                    "a queue of {asked} projections is longer than a quarter of the {images} \
                     images: {fits} are used"
                ));
            }
        }
        if let Some(batch) = self.lr_batch
            && batch != config.train.batch_size
        {
            config.scale_lr(config.train.batch_size as f64 / batch as f64);
            self.lr_batch = Some(config.train.batch_size);
        }
        notes
    }

    /// The line about settings for going on from trained weights, where there are some.
    pub fn continuing_note(&self) -> Option<String> {
        let changed = self.changed.join(", ");
        (!self.changed.is_empty()).then(|| format!("settings for initial weights: {changed}"))
    }

    /// What the configuration is based on, in words.
    pub fn source(&self) -> String {
        match (&self.file, self.preset) {
            (None, Some(preset)) => format!("{} preset", preset.name()),
            (Some(file), Some(preset)) => format!("{file} over the {} preset", preset.name()),
            (Some(file), None) => file.clone(),
            (None, None) => "configuration".to_owned(),
        }
    }
}

/// The line about a batch that was made smaller.
pub fn batch_note(Fitted { asked, fits }: Fitted) -> String {
    format!("a batch of {asked} is larger than the set to train on: {fits} images a step are used")
}

/// The configuration of a run, or of a file, changed by `--set` and the flags that set one key.
pub fn set_flags(mut config: Config, arguments: &SettingsArguments) -> Result<Config, Failure> {
    let train = &mut config.train;
    train.epochs = arguments.epochs.unwrap_or(train.epochs);
    train.max_steps = arguments.max_steps.or(train.max_steps);
    train.batch_size = arguments.batch_size.unwrap_or(train.batch_size);
    train.workers = arguments.workers.unwrap_or(train.workers);
    if let Some(device) = &arguments.device {
        train.device = device.parse().map_err(Failure::usage)?;
    }
    if let Some(precision) = arguments.precision {
        train.precision = precision.into();
    }
    if let Some(on_collapse) = arguments.on_collapse {
        config.health.on_collapse = match on_collapse {
            OnCollapseArgument::Warn => OnCollapse::Warn,
            OnCollapseArgument::Stop => OnCollapse::Stop,
        };
    }
    if let Some(on_regression) = arguments.on_regression {
        config.health.on_regression = match on_regression {
            OnRegressionArgument::Warn => OnRegression::Warn,
            OnRegressionArgument::Stop => OnRegression::Stop,
        };
    }
    if let Some(val_fraction) = arguments.val_split {
        config.checkpoint.best = Some(BestBy::ValProbeAcc { val_fraction });
    }
    config.image_size = arguments.image_size.unwrap_or(config.image_size);
    config.data.store = arguments.store.map(Into::into).or(config.data.store);
    config.seed = arguments.seed.unwrap_or(config.seed);
    Ok(config)
}

/// The method that is asked for, or else that of the file, which is no other one.
fn choose_method(
    asked: Option<&str>,
    path: Option<&Path>,
    file: Option<&ConfigFile>,
) -> Result<String, Failure> {
    let found = file.and_then(ConfigFile::method);
    let method = asked.or(found).unwrap_or("simclr");
    check_method(method)?;
    match (path, found) {
        (Some(path), Some(found)) if found != method => Err(Failure::usage(format!(
            "{}: expected a config of {method}, found one of {found}",
            path.display()
        ))),
        _ => Ok(method.to_owned()),
    }
}

#[cfg(test)]
mod tests;
