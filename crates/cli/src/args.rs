//! The command line.

mod compare;
mod config;
mod data;
mod data_source;
mod embed;
mod evaluate;
mod examples;
mod export;
mod neighbors;
mod predict;
mod pretrain;
mod preview;
mod ranks;
mod renamed;
mod report;
mod select;
mod settings;
mod usage_error;
mod values;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub use compare::CompareArguments;
pub use config::ConfigArguments;
pub use data::DataCommand;
pub use data_source::DataArguments;
pub use embed::EmbedArguments;
pub use evaluate::{EvaluateArguments, ProtocolArgument};
pub use export::{ExportArguments, FormatArgument, InputArgument};
pub use neighbors::NeighborsArguments;
pub use predict::PredictArguments;
pub use pretrain::PretrainArguments;
pub use preview::PreviewArguments;
pub use ranks::RankArguments;
pub use report::ReportArguments;
pub use select::{SelectArguments, StrategyArgument};
pub use settings::{OnCollapseArgument, OnRegressionArgument, SettingsArguments};
pub use usage_error::usage_error;
pub use values::{CheckpointArgument, SplitArgument};

/// The heading in a command's help of the options that every command has.
const GLOBAL: &str = "Global options";

/// Self-supervised pretraining of image encoders, and their evaluation.
#[derive(Debug, Parser)]
#[command(name = "twinview", version, max_term_width = 100, after_help = examples::TWINVIEW)]
pub struct Arguments {
    /// Log more to stderr; -vv for still more.
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only.
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print results as JSON on stdout.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Pretrain an encoder on unlabeled images.
    #[command(after_help = examples::PRETRAIN)]
    Pretrain(PretrainArguments),
    /// Evaluate a trained encoder on labeled images (linear, k-NN, SGD, fine-tuning).
    #[command(after_help = examples::EVALUATE)]
    Evaluate(EvaluateArguments),
    /// Train and evaluate several methods with the same budget.
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArguments),
    /// Write an HTML report of one or more runs.
    #[command(after_help = examples::REPORT)]
    Report(ReportArguments),
    /// Save augmented views of your images as a picture.
    #[command(after_help = examples::PREVIEW)]
    Preview(PreviewArguments),
    /// Extract features (Parquet, CSV, NumPy, safetensors).
    #[command(after_help = examples::EMBED)]
    Embed(EmbedArguments),
    /// Find nearest neighbors, near-duplicates and outliers.
    #[command(after_help = examples::NEIGHBORS)]
    Neighbors(NeighborsArguments),
    /// Predict labels of unlabeled images, with calibrated confidences.
    #[command(after_help = examples::PREDICT)]
    Predict(PredictArguments),
    /// Select the images that are most worth labeling next.
    #[command(after_help = examples::SELECT)]
    Select(SelectArguments),
    /// Export an encoder (TorchScript, safetensors) with a model card.
    #[command(after_help = examples::EXPORT)]
    Export(ExportArguments),
    /// Inspect, convert and generate data sets.
    #[command(subcommand, after_help = examples::DATA)]
    Data(DataCommand),
    /// Print a configuration to edit.
    #[command(after_help = examples::CONFIG)]
    Config(ConfigArguments),
    /// List the methods.
    #[command(after_help = examples::METHODS)]
    Methods,
    /// Print the JSON Schema of configurations, for completion and checks in editors.
    #[command(after_help = examples::SCHEMA)]
    Schema,
    /// Generate shell completions.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Generate manual pages.
    #[command(after_help = examples::MAN)]
    Man {
        /// Folder for a page per command [default: print the main page].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}
