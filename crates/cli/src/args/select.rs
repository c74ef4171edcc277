//! Arguments of `select`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::data_source::DataArguments;
use super::values::{CHECKPOINT, CheckpointArgument, checkpoint};

/// Arguments of `select`.
#[derive(Debug, Args)]
pub struct SelectArguments {
    /// Run folder.
    pub run: PathBuf,
    /// Unlabeled images to select from.
    #[command(flatten)]
    pub data: DataArguments,
    /// Folder whose training images are labeled already [default: that of --data].
    #[arg(long, value_name = "DIR")]
    pub labeled: Option<PathBuf>,
    /// Number of images to select.
    #[arg(short, value_name = "N")]
    pub n: usize,
    /// How to select.
    #[arg(long, default_value = "k-center")]
    pub strategy: StrategyArgument,
    /// Random seed of the clusters.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Save the selected images as a PNG file.
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
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

/// How images to label are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StrategyArgument {
    /// Always the image farthest from all labeled and selected ones: covers all images.
    KCenter,
    /// The most typical image of each cluster without labels: for very few labels.
    Typicality,
}
