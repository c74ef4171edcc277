//! Arguments of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{CHECKPOINT, CheckpointArgument, checkpoint};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Run folder.
    pub run: PathBuf,
    /// File format.
    #[arg(long)]
    pub format: FormatArgument,
    /// Pixel type that the TorchScript module takes.
    #[arg(long, default_value = "u8")]
    pub input: InputArgument,
    /// Weights to export: the last, the best, after epoch N, or before training.
    #[arg(long, value_name = CHECKPOINT, value_parser = checkpoint, default_value = "last")]
    pub checkpoint: CheckpointArgument,
    /// License for the model card, such as `CC BY 4.0`.
    #[arg(long, value_name = "TEXT")]
    pub license: Option<String>,
    /// Output file.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// See [`ExportArguments::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArgument {
    /// Whole encoder, for torch.jit.load and libtorch.
    Torchscript,
    /// Weights by name.
    Safetensors,
}

/// See [`ExportArguments::input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputArgument {
    /// Bytes, 0 to 255.
    U8,
    /// Floats, 0 to 1.
    Float,
}
