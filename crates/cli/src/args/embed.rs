//! Arguments of `embed`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::data_source::DataArguments;
use super::ranks::RankArguments;
use super::values::{CHECKPOINT, CheckpointArgument, SplitArgument, checkpoint};

/// Arguments of `embed`.
#[derive(Debug, Args)]
pub struct EmbedArguments {
    /// Run folder.
    pub run: PathBuf,
    /// Images, labeled or not.
    #[command(flatten)]
    pub data: DataArguments,
    /// Split of the data set; repeatable [default: all].
    #[arg(long)]
    pub split: Vec<SplitArgument>,
    /// Write the features of patches, of a vision transformer; .npy, .parquet or .safetensors.
    #[arg(long, conflicts_with = "clusters")]
    pub tokens: bool,
    /// Add a column with the cluster of each image, of K by k-means.
    #[arg(long, value_name = "K")]
    pub clusters: Option<NonZeroUsize>,
    /// Random seed of the clusters.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "clusters")]
    pub seed: u64,
    /// Weights to use: the last, the best, after epoch N, or before training.
    #[arg(long, value_name = CHECKPOINT, value_parser = checkpoint, default_value = "last")]
    pub checkpoint: CheckpointArgument,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Processes to extract features with.
    #[command(flatten)]
    pub ranks: RankArguments,
    /// Neither read nor write cached features.
    #[arg(long)]
    pub no_cache: bool,
    /// Output file; its extension sets the format: .npy, .parquet, .csv or .safetensors.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
