//! Arguments of `preview`.

use std::path::PathBuf;

use clap::Args;

use super::data_source::DataArguments;
use super::values::MethodName;
use crate::app::presets::Preset;

/// Arguments of `preview`.
#[derive(Debug, Args)]
pub struct PreviewArguments {
    /// Method whose augmentation is shown [default: that of --config, or simclr].
    #[arg(value_parser = MethodName { or_all: false })]
    pub method: Option<String>,
    /// Built-in configuration to use [default: as for pretrain].
    #[arg(long)]
    pub preset: Option<Preset>,
    /// Configuration file: a whole one, one of a run, or some keys to set over the preset.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a configuration key; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Side of the images in pixels.
    #[arg(long, value_name = "N")]
    pub image_size: Option<usize>,
    /// Images to show.
    #[command(flatten)]
    pub data: DataArguments,
    /// Number of images, one per row.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub rows: usize,
    /// Output picture: .png, .jpg or .webp.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
