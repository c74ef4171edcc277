//! Arguments of `neighbors`.

use std::path::PathBuf;

use clap::Args;

use super::data_source::DataArguments;
use super::values::{CHECKPOINT, CheckpointArgument, SplitArgument, checkpoint};

/// Arguments of `neighbors`.
#[derive(Debug, Args)]
pub struct NeighborsArguments {
    /// Run folder.
    pub run: PathBuf,
    /// Images.
    #[command(flatten)]
    pub data: DataArguments,
    /// Find the nearest neighbors of this image.
    #[arg(long, value_name = "IMAGE", group = "search")]
    pub query: Option<PathBuf>,
    /// Find pairs of near-duplicates.
    #[arg(long, group = "search")]
    pub duplicates: bool,
    /// Minimum cosine similarity of near-duplicates.
    #[arg(
        long,
        value_name = "COSINE",
        default_value_t = 0.99,
        allow_negative_numbers = true,
        requires = "duplicates",
        conflicts_with_all = ["query", "outliers"]
    )]
    pub threshold: f64,
    /// Maximum number of pairs to list, the most similar first.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        requires = "duplicates",
        conflicts_with_all = ["query", "outliers"]
    )]
    pub limit: usize,
    /// Find the N images farthest from their nearest neighbors.
    #[arg(long, value_name = "N", group = "search")]
    pub outliers: Option<usize>,
    /// Split to search; repeatable [default: all].
    #[arg(long, requires = "search")]
    pub split: Vec<SplitArgument>,
    /// Weights to use: the last, the best, after epoch N, or before training.
    #[arg(long, value_name = CHECKPOINT, value_parser = checkpoint, default_value = "last")]
    pub checkpoint: CheckpointArgument,
    /// Maximum number of rows in the picture.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub rows: usize,
    /// Neighbors per image.
    #[arg(short, value_name = "N", default_value_t = 8)]
    pub k: usize,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Neither read nor write cached features.
    #[arg(long)]
    pub no_cache: bool,
    /// Output picture of the images found: .png, .jpg or .webp.
    #[arg(long, value_name = "FILE", required_unless_present = "search")]
    pub out: Option<PathBuf>,
}
