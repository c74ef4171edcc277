//! Arguments of `preview`.

use std::path::PathBuf;

use clap::Args;

use super::values::MethodName;
use crate::app::presets::Preset;

/// Arguments of `preview`.
#[derive(Debug, Args)]
pub struct PreviewArguments {
    /// Method whose augmentation is shown.
    #[arg(default_value = "simclr", value_parser = MethodName { or_all: false })]
    pub method: String,
    /// Built-in configuration to use.
    #[arg(long, default_value = "recommended", conflicts_with = "config")]
    pub preset: Preset,
    /// Configuration file to use instead of a preset.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data set [default: as for pretrain].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Number of images, one per row.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub rows: usize,
    /// Output picture: .png, .jpg or .webp.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
