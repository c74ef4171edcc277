//! `twinview preview`: a picture of augmented views.

use std::process::ExitCode;

use serde_json::json;
use trainer::Config;

use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::{datasets, presets};
use crate::args::PreviewArguments;
use crate::commands::pretrain;

/// Saves augmented views of some images.
pub fn run(arguments: &PreviewArguments, output: &Output) -> Result<ExitCode, Failure> {
    let config = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => {
            pretrain::check_method(&arguments.method)?;
            presets::require(&arguments.method, arguments.preset)?
        }
    };
    config.validate()?;
    dataset::PictureFormat::of(&arguments.out)?;
    files::check_writable(&arguments.out)?;
    let (set, _) = datasets::open_or_default(arguments.data.as_deref(), config.image_size)?;
    let views = config.view_recipes();
    let sheet = augment::preview(&set.unlabeled, &views, config.seed, arguments.rows, 2);
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
