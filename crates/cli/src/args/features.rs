//! Arguments of the commands that use a trained encoder's features.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::EpochArgument;

/// A split of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitArgument {
    /// Images to pretrain on.
    Unlabeled,
    /// Labeled training images.
    Train,
    /// Labeled test images.
    Test,
}

impl SplitArgument {
    /// Its name in the set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unlabeled => "unlabeled",
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// Arguments of `embed`.
#[derive(Debug, Args)]
pub struct EmbedArguments {
    /// The folder of a run.
    pub run: PathBuf,
    /// The images, with or without labels [default: the set of the run].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Write this split; may be given several times [default: all].
    #[arg(long)]
    pub split: Vec<SplitArgument>,
    /// Use the last weights, those of the best epoch, or those after this one, if its checkpoint
    /// was kept.
    #[arg(long, value_name = "last|best|N", value_parser = super::epoch, default_value = "last")]
    pub epoch: EpochArgument,
    /// Where to compute: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// The file to write; its name ends in .npy, .parquet, .csv or .safetensors.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Arguments of `neighbors`.
#[derive(Debug, Args)]
pub struct NeighborsArguments {
    /// The folder of a run.
    pub run: PathBuf,
    /// The images; a labeled set with a test split where none of --query, --duplicates and
    /// --outliers is given [default: the set of the run].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Find the images nearest to this one.
    #[arg(long, value_name = "IMAGE", group = "search")]
    pub query: Option<PathBuf>,
    /// Find pairs of images that are nearly the same.
    #[arg(long, group = "search")]
    pub duplicates: bool,
    /// Least cosine of such a pair.
    #[arg(
        long,
        value_name = "COSINE",
        default_value_t = 0.99,
        allow_negative_numbers = true,
        requires = "duplicates",
        conflicts_with_all = ["query", "outliers"]
    )]
    pub threshold: f64,
    /// Most pairs to list, those that are most alike; all are counted.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        requires = "duplicates",
        conflicts_with_all = ["query", "outliers"]
    )]
    pub most: usize,
    /// Find the N images that are farthest from their nearest neighbors.
    #[arg(long, value_name = "N", group = "search")]
    pub outliers: Option<usize>,
    /// Look in this split; may be given several times [default: all].
    #[arg(long, requires = "search")]
    pub split: Vec<SplitArgument>,
    /// Most rows of the sheet.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub rows: usize,
    /// Neighbors of each image.
    #[arg(short, value_name = "N", default_value_t = 8)]
    pub k: usize,
    /// Where to compute: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// The PNG file to write a sheet of images to.
    #[arg(long, value_name = "FILE", required_unless_present = "search")]
    pub out: Option<PathBuf>,
}
