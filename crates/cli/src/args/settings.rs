//! Arguments that make a configuration.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::PrecisionArgument;
use crate::app::encoders::EncoderName;
use crate::app::presets::Preset;

/// Arguments that make a configuration: a preset or a file, and what is changed of it.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsArguments {
    /// Built-in configuration to use [default: gpu with a GPU, else cpu].
    #[arg(long)]
    pub preset: Option<Preset>,
    /// Configuration file: a whole one, one of a run, or some keys to set over the preset.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a configuration key, such as method.simclr.temperature=0.2; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Encoder, with its published settings [default: the preset's].
    #[arg(long)]
    pub encoder: Option<EncoderName>,
    /// Learning rate: the start, or the peak after a warm-up, of the optimizer's schedule.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Number of epochs [default: the preset's, on a CPU by the number of images].
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Stop after N steps.
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u64>,
    /// Images per step.
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Side of the images in pixels; folders of images are resized to it.
    #[arg(long, value_name = "N")]
    pub image_size: Option<usize>,
    /// What crops of images of folders and archives are taken from [default: by their sizes and
    /// number].
    #[arg(long)]
    pub store: Option<StoreArgument>,
    /// Share of the labeled training images, of every class, that is held out to measure on and to
    /// choose the best epoch by [default: the preset's, 0.1].
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub val_split: Option<f64>,
    /// Random seed.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Data loading threads [default: by the number of cores].
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long)]
    pub device: Option<String>,
    /// Number format of the networks.
    #[arg(long)]
    pub precision: Option<PrecisionArgument>,
    /// What to do when the features collapse.
    #[arg(long, value_name = "ACTION")]
    pub on_collapse: Option<OnCollapseArgument>,
    /// What to do when the kNN accuracy falls below that of --init-weights, by more than its
    /// interval.
    #[arg(long, value_name = "ACTION")]
    pub on_regression: Option<OnRegressionArgument>,
}

/// What to do when training makes initial weights worse.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnRegressionArgument {
    /// Log a warning and continue.
    Warn,
    /// Stop with exit code 3.
    Stop,
}

/// What crops are taken from.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StoreArgument {
    /// The center square, resized once.
    Square,
    /// The whole image, resized once to a shorter side of at most twice the image size.
    Aspect,
    /// The whole image in its file, decoded for every view.
    Encoded,
}

impl From<StoreArgument> for trainer::Store {
    fn from(argument: StoreArgument) -> Self {
        match argument {
            StoreArgument::Square => Self::Square,
            StoreArgument::Aspect => Self::Aspect,
            StoreArgument::Encoded => Self::Encoded,
        }
    }
}

/// What to do when the features collapse.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnCollapseArgument {
    /// Log a warning and continue.
    Warn,
    /// Stop with exit code 3.
    Stop,
}
