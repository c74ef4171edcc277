//! Arguments of `report`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Run folders, finished or not.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Use only the files in the run folders; evaluate and draw nothing.
    #[arg(long)]
    pub quick: bool,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Neither read nor write cached features.
    #[arg(long)]
    pub no_cache: bool,
    /// Output HTML file.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
