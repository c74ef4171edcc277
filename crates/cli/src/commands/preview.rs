//! `twinview preview`: a picture of augmented views.

use std::process::ExitCode;

use run::DataSource;
use serde_json::json;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::settings::Settings;
use crate::args::{PreviewArguments, SettingsArguments};

/// Saves augmented views of some images.
pub fn run(arguments: &PreviewArguments, output: &Output) -> Result<ExitCode, Failure> {
    let settings = SettingsArguments {
        preset: arguments.preset,
        config: arguments.config.clone(),
        set: arguments.set.clone(),
        image_size: arguments.image_size,
        ..SettingsArguments::default()
    };
    let config = Settings::new(arguments.method.as_deref(), &settings)?.config;
    dataset::PictureFormat::of(&arguments.out)?;
    files::check_writable(&arguments.out)?;
    let source = datasets::or_default(arguments.data.source(&DataSource::default()))?;
    let set = match source.paths.is_empty() {
        true => datasets::built_in()?,
        false => {
            let listed = datasets::list(&source, config.image_size)?;
            listed.open_with(listed.choose_store(config.data.store).0)?
        }
    };
    let views = config.view_recipes();
    let sheet = augment::preview(&set.unlabeled, &views, config.seed, arguments.rows, 2)?;
    dataset::save_picture(&sheet.into_image(), &arguments.out)?;
    let value = json!({"sheet": arguments.out, "views": views.len()});
    output.result(&value, || {
        format!(
            "{}: each row is an image and {} views of it, drawn twice",
            arguments.out.display(),
            views.len()
        )
    });
    Ok(ExitCode::SUCCESS)
}
