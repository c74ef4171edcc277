//! Arguments of `config`.

use std::path::PathBuf;

use clap::Args;

use super::settings::SettingsArguments;
use super::values::MethodName;

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// Method; `twinview methods` describes them.
    #[arg(value_parser = MethodName { or_all: false })]
    pub method: String,
    /// Data set that batch, queue and epochs shall fit [default: none].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Settings of the configuration.
    #[command(flatten)]
    pub settings: SettingsArguments,
}
