//! Arguments of `pretrain`.

use std::path::PathBuf;

use clap::Args;

use super::data_source::DataArguments;
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
    /// Train with N processes on this machine; on GPUs each has its own.
    #[arg(long, value_name = "N")]
    pub ranks: Option<usize>,
    /// Time to wait for another process before the run fails.
    #[arg(long, value_name = "SECS", default_value_t = 600)]
    pub rank_timeout: u64,
    /// Print the time per part of a training step.
    #[arg(long)]
    pub profile: bool,
    /// Check the arguments and the data, print the configuration and exit.
    #[arg(long)]
    pub dry_run: bool,
}
