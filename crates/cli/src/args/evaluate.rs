//! Arguments of `evaluate`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::data_source::DataArguments;
use super::ranks::RankArguments;
use super::values::{CHECKPOINT, CheckpointArgument, checkpoint};

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// Run folders; more than one must differ only in the random seed, for mean and standard
    /// deviation.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Labeled images; without a test split, folds of the training images are scored.
    #[command(flatten)]
    pub data: DataArguments,
    /// Evaluation protocols, separated by commas or repeated [default: linear and knn].
    #[arg(long, value_delimiter = ',')]
    pub protocol: Vec<ProtocolArgument>,
    /// Epochs of --protocol sgd and finetune [default: 100 and 30, more with few labels].
    #[arg(long, value_name = "N")]
    pub epochs: Option<NonZeroU32>,
    /// Evaluate also with N labeled training images per class, drawn at random; several separated
    /// by commas; repeatable.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub labels_per_class: Vec<NonZeroUsize>,
    /// Random subsets per value of --labels-per-class, for mean and standard deviation.
    #[arg(long, value_name = "N", default_value = "5", requires = "labels_per_class")]
    pub repeats: NonZeroUsize,
    /// Random seed of the subsets.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "labels_per_class")]
    pub seed: u64,
    /// Save the confusion matrix of the first protocol as a .png or .svg file.
    #[arg(long, value_name = "FILE")]
    pub confusion_matrix: Option<PathBuf>,
    /// Weights to evaluate: the last, the best, after epoch N, or before training; several
    /// separated by commas; repeatable [default: last].
    #[arg(long, value_name = CHECKPOINT, value_parser = checkpoint, value_delimiter = ',')]
    pub checkpoint: Vec<CheckpointArgument>,
    /// Leave out the accuracies of the weights that the run began with, which take another pass
    /// over the labeled images.
    #[arg(long)]
    pub no_baseline: bool,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Processes to extract features with.
    #[command(flatten)]
    pub ranks: RankArguments,
    /// Neither read nor write cached features.
    #[arg(long)]
    pub no_cache: bool,
    /// Save the result as a JSON file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// An evaluation protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArgument {
    /// Logistic regression on frozen features.
    Linear,
    /// Weighted k-nearest neighbors by cosine similarity (k 20, temperature 0.07).
    Knn,
    /// Linear classifier trained by SGD on frozen features of augmented images.
    Sgd,
    /// Fine-tuning of the encoder with a linear classifier.
    Finetune,
}
