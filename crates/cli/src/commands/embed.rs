//! `twinview embed`.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::ConcatSplits;
use eval::{Gallery, KMeansSettings, TrainingProgress};
use features::{Format, Table, Writer};
use group::Launch;
use models::DeviceChoice;
use serde_json::{Map, Value, json};

use crate::app::encoders::encoder_name;
use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::app::launcher;
use crate::app::output::Output;
use crate::app::ranks::Ranks;
use crate::app::run_on_data::{self, BATCH, RunOnData};
use crate::app::stop_flag::{self, stop_flag};
use crate::app::words::count;
use crate::args::EmbedArguments;

/// Images whose tokens are made together: they are many numbers.
const TOKENS_BATCH: usize = 32;

/// Writes the features of images to a file.
pub fn run(arguments: &EmbedArguments, output: &Output) -> Result<ExitCode, Failure> {
    let launch = Launch::from_env()?;
    if let Some(count) = launcher::count(&arguments.ranks, launch.as_ref())? {
        return launcher::run(count, launcher::NOTHING);
    }
    let stop = stop_flag(stop_flag::WORKING)?;
    let ranks = Ranks::join(launch.as_ref(), &arguments.ranks, "embed")?;
    let device = arguments.device.parse().map_err(Failure::usage);
    let device = ranks.agree(device.and_then(|device| ranks.device(device)))?;
    let listed = ranks.first(|| list(arguments, device))?;
    let (loaded, sets) = RunOnData::load_all(listed.into_iter().collect(), &ranks)?;
    ranks.lead(&sets, device, || {
        loaded.into_iter().try_for_each(|run_on_data| embed(arguments, run_on_data, &stop, output))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the run, and checks the arguments against it.
fn list(arguments: &EmbedArguments, device: DeviceChoice) -> Result<RunOnData, Failure> {
    let out = &arguments.out;
    let format = Format::of(out)?;
    if arguments.tokens && format == Format::Csv {
        return Err(Failure::usage(format!(
            "{}: expected .npy, .parquet or .safetensors with --tokens, found .csv",
            out.display()
        )));
    }
    for file in format.files(out) {
        files::check_writable(&file)?;
    }
    let (run, data) = (&arguments.run, &arguments.data);
    let run_on_data = RunOnData::list(run, data, arguments.checkpoint.choice(), device)?;
    run_on_data.select(&arguments.split)?;
    patches(arguments, &run_on_data)?;
    Ok(run_on_data)
}

/// Patches of an image and features of a patch, where these are asked for.
fn patches(
    arguments: &EmbedArguments,
    run_on_data: &RunOnData,
) -> Result<Option<[usize; 2]>, Failure> {
    if !arguments.tokens {
        return Ok(None);
    }
    let found = run_on_data.frozen.patches().ok_or_else(|| {
        let encoder = encoder_name(&run_on_data.frozen.record.config.encoder);
        Failure::usage(format!("--tokens: expected a run of a vision transformer, found {encoder}"))
    });
    found.map(Some)
}

/// Writes the features of the images of a set.
fn embed(
    arguments: &EmbedArguments,
    run_on_data: RunOnData,
    stop: &Arc<AtomicBool>,
    output: &Output,
) -> Result<(), Failure> {
    let out = &arguments.out;
    let files = Format::of(out)?.files(out);
    let patches = patches(arguments, &run_on_data)?;
    let run_on_data = run_on_data.cached(!arguments.no_cache);
    let images = run_on_data.select(&arguments.split)?;
    let frozen = &run_on_data.frozen;
    let TrainingProgress { epoch, step } = frozen.trained;
    let progress = JobProgressBar::new("embedding images", stop);
    let clustered = match arguments.clusters {
        Some(clusters) => {
            let settings =
                KMeansSettings { seed: arguments.seed, ..KMeansSettings::new(clusters.get()) };
            Some(Clustered::make(&run_on_data, &images, &settings, stop)?)
        }
        None => None,
    };
    let table = Table {
        images: &images,
        features: patches.map_or(frozen.feature_size(), |[count, size]| count * size),
        patches: patches.map(|[count, _]| count),
        clusters: clustered.as_ref().map(|clustered| clustered.clusters.as_slice()),
        about: vec![
            ("method", frozen.record.config.method.name().to_owned()),
            ("epoch", epoch.to_string()),
            ("step", step.to_string()),
        ],
    };
    let mut writer = Writer::create(out, &table)?;
    let mut take = |features: &[f32]| -> Result<(), Failure> {
        writer.write(features)?;
        match progress.update(writer.rows(), images.len()) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Failure::interrupted()),
        }
    };
    match &clustered {
        Some(clustered) => {
            clustered.features.chunks(BATCH * table.features).try_for_each(&mut take)?;
        }
        None if arguments.tokens => frozen.stream_patches(&images, TOKENS_BATCH, &mut take)?,
        None => frozen.stream(&images, BATCH, &mut take)?,
    }
    writer.finish()?;
    let (secs, rate) = (progress.secs(), progress.images_per_sec(images.len()));
    let splits = images.splits().iter();
    let splits: Map<String, Value> =
        splits.map(|(name, split)| ((*name).to_owned(), split.len().into())).collect();
    let value = json!({
        "files": files, "images": images.len(), "splits": splits, "features": table.features,
        "patches": table.patches,
        "epoch": epoch, "step": step, "secs": secs, "images_per_sec": rate,
        "clusters": clustered.as_ref().map(|clustered| &clustered.sizes),
    });
    output.result(&value, || {
        let beside = files[1..].iter().map(|file| format!(" and {}", file.display()));
        format!(
            "{}{}: {}, {} each, {}; {rate:.0} images/s",
            out.display(),
            beside.collect::<String>(),
            count(images.len(), "image"),
            count(table.features, "feature"),
            run_on_data::training(frozen),
        )
    });
    Ok(())
}

/// The features of all images in memory, and the cluster of each.
struct Clustered {
    features: Vec<f32>,
    /// From 1.
    clusters: Vec<u32>,
    sizes: Vec<usize>,
}

impl Clustered {
    fn make(
        run_on_data: &RunOnData,
        images: &ConcatSplits<'_>,
        settings: &KMeansSettings,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let frozen = &run_on_data.frozen;
        let mut features = Vec::with_capacity(images.len() * frozen.feature_size());
        let progress = run_on_data.progress(stop);
        frozen.stream(images, BATCH, &mut |rows: &[f32]| -> Result<(), Failure> {
            features.extend_from_slice(rows);
            match progress(features.len() / frozen.feature_size(), images.len()) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Failure::interrupted()),
            }
        })?;
        let gallery = Gallery::of_rows(&features, frozen.feature_size());
        let bar = JobProgressBar::new("clustering images", stop);
        let found =
            gallery.and_then(|gallery| gallery.k_means(settings, &|done, of| bar.update(done, of)));
        let found = found.map_err(|error| run_on_data.failure(error))?;
        let clusters = found.labels.iter().map(|label| label + 1).collect();
        Ok(Self { features, clusters, sizes: found.sizes })
    }
}
