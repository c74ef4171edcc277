//! `twinview embed`.

use std::ops::ControlFlow;
use std::process::ExitCode;

use eval::TrainingProgress;
use features::{Format, Table, Writer};
use serde_json::{Map, Value, json};

use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::app::output::Output;
use crate::app::run_on_data::{self, BATCH, RunOnData};
use crate::args::EmbedArguments;
use crate::commands::pretrain;

/// Writes the features of images to a file.
pub fn run(arguments: &EmbedArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let stop = pretrain::stop_flag()?;
    let out = &arguments.out;
    let files = Format::of(out)?.files(out);
    for file in &files {
        files::check_writable(file)?;
    }
    let (run, data) = (&arguments.run, arguments.data.as_deref());
    let opened = RunOnData::open(run, data, arguments.checkpoint.choice(), device)?;
    let images = opened.select(&arguments.split)?;
    let frozen = &opened.frozen;
    let TrainingProgress { epoch, step } = frozen.trained;
    let table = Table {
        images: &images,
        features: frozen.feature_size(),
        about: vec![
            ("method", frozen.record.config.method.name().to_owned()),
            ("epoch", epoch.to_string()),
            ("step", step.to_string()),
        ],
    };
    let mut writer = Writer::create(out, &table)?;
    let progress = JobProgressBar::new("embedding images", &stop);
    let mut take = |features: &[f32]| -> Result<(), Failure> {
        writer.write(features)?;
        match progress.update(writer.rows(), images.len()) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Failure::interrupted()),
        }
    };
    let side = frozen.side();
    eval::stream(&images, side, BATCH, &|block| frozen.encode(block), &mut take)?;
    writer.finish()?;
    let (secs, rate) = (progress.secs(), progress.images_per_sec(images.len()));
    let splits = images.splits().iter();
    let splits: Map<String, Value> =
        splits.map(|(name, split)| ((*name).to_owned(), split.len().into())).collect();
    let value = json!({
        "files": files, "images": images.len(), "splits": splits, "features": table.features,
        "epoch": epoch, "step": step, "secs": secs, "images_per_sec": rate,
    });
    output.result(&value, || {
        let beside = files[1..].iter().map(|file| format!(" and {}", file.display()));
        format!(
            "{}{}: {} images, {} features each, {}; {rate:.0} images/s",
            out.display(),
            beside.collect::<String>(),
            images.len(),
            table.features,
            run_on_data::training(frozen),
        )
    });
    Ok(ExitCode::SUCCESS)
}
