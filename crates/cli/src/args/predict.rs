//! Arguments of `predict`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::data_source::DataArguments;
use super::values::{CHECKPOINT, CheckpointArgument, SplitArgument, checkpoint};

/// Arguments of `predict`.
#[derive(Debug, Args)]
pub struct PredictArguments {
    /// Run folder.
    pub run: PathBuf,
    /// Images to predict.
    #[command(flatten)]
    pub data: DataArguments,
    /// Folder whose training images are labeled [default: that of --data if labeled, else that of
    /// the run].
    #[arg(long, value_name = "DIR")]
    pub labeled: Option<PathBuf>,
    /// Split to predict; repeatable [default: unlabeled].
    #[arg(long)]
    pub split: Vec<SplitArgument>,
    /// Write the K likeliest classes of each image.
    #[arg(long, value_name = "K", default_value = "1")]
    pub top_k: NonZeroUsize,
    /// Save the least certain images with their labels as a PNG file.
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    /// Maximum number of images on the sheet.
    #[arg(long, value_name = "N", default_value_t = 40, requires = "sheet")]
    pub limit: usize,
    /// Weights to use: the last, the best, after epoch N, or before training.
    #[arg(long, value_name = CHECKPOINT, value_parser = checkpoint, default_value = "last")]
    pub checkpoint: CheckpointArgument,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Neither read nor write cached features.
    #[arg(long)]
    pub no_cache: bool,
    /// Output CSV file.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
