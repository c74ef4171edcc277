//! Arguments of `config`.

use clap::Args;

use super::data_source::DataArguments;
use super::settings::SettingsArguments;
use super::values::MethodName;

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// Method; `twinview methods` describes them.
    #[arg(value_parser = MethodName { or_all: false })]
    pub method: String,
    /// Images that batch, queue and epochs shall fit.
    #[command(flatten)]
    pub data: DataArguments,
    /// Settings of the configuration.
    #[command(flatten)]
    pub settings: SettingsArguments,
}
