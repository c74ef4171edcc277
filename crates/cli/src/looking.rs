//! `twinview preview` and `twinview neighbors`: pictures of what goes in and of what was learned.

use std::process::ExitCode;

use serde_json::json;
use trainer::{Config, Weights};

use crate::args::{NeighborsArguments, PreviewArguments};
use crate::failure::Failure;
use crate::measure::Measurement;
use crate::output::Output;
use crate::{builtin, data, pretrain};

/// Draws what the views of a method look like.
pub fn preview(arguments: &PreviewArguments, output: &Output) -> Result<ExitCode, Failure> {
    let config = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => {
            pretrain::check_method(&arguments.method)?;
            builtin::recommended(&arguments.method)?
        }
    };
    config.validate()?;
    trainer::check_writable(&arguments.out)?;
    let (set, _) = data::open_or_default(arguments.data.as_deref(), config.image_size)?;
    let views = &config.augment.views;
    let sheet = augment::preview(&set.unlabeled, views, config.seed, arguments.rows, 2);
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

/// Draws test images with their nearest training images.
pub fn neighbors(arguments: &NeighborsArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device = arguments.device.parse().map_err(Failure::usage)?;
    trainer::check_writable(&arguments.out)?;
    let (run, data) = (&arguments.run, arguments.data.as_deref());
    let measurement = Measurement::open(run, data, Weights::Newest, device)?;
    let sheet = measurement.neighbors(arguments.rows, arguments.k)?;
    dataset::save_png(&sheet.into_image(), &arguments.out)?;
    output.result(&json!({"sheet": arguments.out}), || {
        format!(
            "{}: each row is a test image and then its {} nearest training images by cosine",
            arguments.out.display(),
            arguments.k
        )
    });
    Ok(ExitCode::SUCCESS)
}
