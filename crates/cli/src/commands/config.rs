//! `twinview config`: a configuration to edit.

use std::process::ExitCode;

use run::DataSource;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::json_layout;
use crate::app::output::Output;
use crate::app::settings::Settings;
use crate::args::ConfigArguments;

/// Prints the configuration that `pretrain` would use.
pub fn run(arguments: &ConfigArguments, output: &Output) -> Result<ExitCode, Failure> {
    let mut settings = Settings::new(Some(&arguments.method), &arguments.settings)?;
    let source = arguments.data.source(&DataSource::default());
    if !source.paths.is_empty() {
        let listed = datasets::list(&source, settings.config.image_size)?;
        for note in settings.fit(listed.outline()) {
            tracing::warn!("{note}");
        }
    }
    settings.config.schema = None;
    let document = serde_json::to_value(&settings.config).expect("a config is valid JSON");
    output.line(&json_layout::pretty(&document));
    Ok(ExitCode::SUCCESS)
}
