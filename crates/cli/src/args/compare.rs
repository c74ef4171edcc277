//! Arguments of `compare`.

use std::path::PathBuf;

use clap::Args;

use super::data_source::DataArguments;
use super::ranks::RankArguments;
use super::values::{MethodName, PrecisionArgument};
use crate::app::presets::Preset;

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Methods, separated by commas; `all` for all that need no teacher file.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "all",
        value_parser = MethodName { or_all: true }
    )]
    pub methods: Vec<String>,
    /// Built-in configurations to use [default: gpu with a GPU, else cpu].
    #[arg(long)]
    pub preset: Option<Preset>,
    /// Runs per method, with the random seeds 0 to N - 1.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seeds: u64,
    /// Images to train on.
    #[command(flatten)]
    pub data: DataArguments,
    /// Number of epochs [default: the preset's].
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Images per step [default: the preset's].
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Set a configuration key in all runs, such as train.device=cpu; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Number format of the networks [default: the preset's].
    #[arg(long)]
    pub precision: Option<PrecisionArgument>,
    /// Processes to train with and to extract features with.
    #[command(flatten)]
    pub ranks: RankArguments,
    /// Output folder for runs, tables, figures and the report.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
