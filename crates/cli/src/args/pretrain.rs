//! Arguments of `pretrain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{MethodName, PrecisionArgument};
use crate::app::presets::Preset;

/// Arguments of `pretrain`.
#[derive(Debug, Args)]
pub struct PretrainArguments {
    /// Method; `twinview methods` describes them.
    #[arg(value_parser = MethodName { or_all: false })]
    pub method: String,
    /// Data set: STL-10 or CIFAR-10 binaries, or a folder of images [default: data/stl10_binary,
    /// or a synthetic set if there is none].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Built-in configuration to use.
    #[arg(long, default_value = "recommended", conflicts_with_all = ["config", "resume"])]
    pub preset: Preset,
    /// Configuration file to use instead of a preset.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a configuration key, such as method.simclr.temperature=0.2; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Run folder to write to [default: runs/METHOD].
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Resume the run in the run folder.
    #[arg(long)]
    pub resume: bool,
    /// Initialize the encoder from a safetensors file: a run's encoder.safetensors, or a
    /// state_dict of a torchvision ResNet or a timm vision transformer.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub init_weights: Option<PathBuf>,
    /// Number of epochs.
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
    /// Print the time per part of a training step.
    #[arg(long)]
    pub profile: bool,
    /// Check the arguments and the data, print the configuration and exit.
    #[arg(long)]
    pub dry_run: bool,
}

/// What to do when the features collapse.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnCollapseArgument {
    /// Log a warning and continue.
    Warn,
    /// Stop with exit code 3.
    Stop,
}
