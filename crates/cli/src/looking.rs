//! `twinview preview`: a picture of what goes in.

use std::process::ExitCode;

use serde_json::json;
use trainer::Config;

use crate::args::PreviewArguments;
use crate::failure::Failure;
use crate::output::Output;
use crate::{builtin, data, pretrain};

/// Draws what the views of a method look like.
pub fn preview(arguments: &PreviewArguments, output: &Output) -> Result<ExitCode, Failure> {
    let config = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => {
            pretrain::check_method(&arguments.method)?;
            builtin::require(&arguments.method, arguments.settings)?
        }
    };
    config.validate()?;
    files::check_writable(&arguments.out)?;
    let (set, _) = data::open_or_default(arguments.data.as_deref(), config.image_size)?;
    let views = config.view_recipes();
    let sheet = augment::preview(&set.unlabeled, &views, config.seed, arguments.rows, 2);
    dataset::save_png(&sheet.into_image(), &arguments.out)?;
    let value = json!({"sheet": arguments.out, "views": views.len()});
    output.result(&value, || {
        format!(
            "{}: each row is an image and then {} views of it, twice",
            arguments.out.display(),
            views.len()
        )
    });
    Ok(ExitCode::SUCCESS)
}
