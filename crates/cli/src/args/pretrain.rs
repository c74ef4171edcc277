//! Arguments of `pretrain`.

use std::path::PathBuf;

use clap::Args;

use super::data_source::DataArguments;
use super::ranks::RankArguments;
use super::settings::SettingsArguments;
use super::values::MethodName;

/// Arguments of `pretrain`.
#[derive(Debug, Args)]
pub struct PretrainArguments {
    /// Method; `twinview methods` describes them.
    #[arg(value_parser = MethodName { or_all: false })]
    pub method: String,
    /// Images to train on.
    #[command(flatten)]
    pub data: DataArguments,
    /// Settings of the run.
    #[command(flatten)]
    pub settings: SettingsArguments,
    /// Run folder to write to [default: runs/METHOD].
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Resume the run in the run folder.
    #[arg(long, conflicts_with_all = ["preset", "encoder", "lr"])]
    pub resume: bool,
    /// Resume the run in the run folder where there is one, else start it: for commands that are
    /// restarted as they are.
    #[arg(long, conflicts_with = "resume")]
    pub resume_if_there: bool,
    /// Initialize the encoder from a finished run, or from a safetensors file: a run's
    /// encoder.safetensors, a torchvision ResNet, or a vision transformer of timm, DINOv2 or
    /// Hugging Face. Without --encoder, the encoder is the file's.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub init_weights: Option<PathBuf>,
    /// Processes to train with.
    #[command(flatten)]
    pub ranks: RankArguments,
    /// Print the time per part of a training step.
    #[arg(long)]
    pub profile: bool,
    /// Check the arguments and the data, print the configuration and exit.
    #[arg(long)]
    pub dry_run: bool,
}
