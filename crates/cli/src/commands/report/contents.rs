//! Scores and pictures of a report that are computed from a run's encoder and images. Missing ones
//! become a note in the report, not an error.

use std::path::Path;
use std::sync::Arc;

use dataset::{Dataset, Split};
use eval::{CheckpointChoice, FrozenEncoder, Protocol};
use models::DeviceChoice;
use report::{Evaluation, FeatureMap, Picture, Plane, Point, RunReport, Thumbnails};
use trainer::RunRecord;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::run_on_data::{BATCH, RunOnData};
use crate::commands::compare::{NEIGHBORS, PREVIEW};
use crate::commands::evaluate::measurement::Measurement;

/// Images on the map, at most.
const MAPPED: usize = 1000;
/// Side of an image on the sheet of the map's images, and images in a row there.
const THUMBNAIL: [usize; 2] = [40, 32];

/// Puts new scores and pictures in the place of those that stand in the run folder.
pub fn complete(report: &mut RunReport, device: DeviceChoice) {
    let folder = report.run.folder.clone();
    tracing::info!("{}: measuring and drawing", folder.display());
    if let Err(Missing { note, reason }) = try_complete(report, &folder, device) {
        tracing::warn!("{}: {note}: {reason}", folder.display());
        report.notes.push(note);
    }
}

/// Why a part of a report could not be made: what the page says, which names no place on the
/// machine, and the whole reason.
struct Missing {
    note: String,
    reason: String,
}

/// For `map_err`: the note that goes with a reason.
fn noted<E: ToString>(note: impl Into<String>) -> impl FnOnce(E) -> Missing {
    let note = note.into();
    move |reason| Missing { note, reason: reason.to_string() }
}

fn try_complete(
    report: &mut RunReport,
    folder: &Path,
    device: DeviceChoice,
) -> Result<(), Missing> {
    let record = RunRecord::read(folder).map_err(noted(
        "written by another version, so nothing was measured or drawn for this page",
    ))?;
    let set = open(&record, &report.run.data.name())?;
    let [rows, repeats] = PREVIEW;
    let views = record.config.view_recipes();
    let sheet = augment::preview(&set.unlabeled, &views, record.config.seed, rows, repeats);
    report.augmentation = Some(picture(sheet)?);
    let frozen = FrozenEncoder::open(folder, CheckpointChoice::Newest, device)
        .map_err(noted("no checkpoint to measure, so there are no new scores, neighbors or map"))?;
    report.map = Some(map(&frozen, &set)?);
    if eval::evaluation_splits(&set).is_ok() {
        let run_on_data = RunOnData::of(folder, frozen, set, record.data.path.as_deref());
        evaluate(report, run_on_data).map_err(noted("the labels allow no evaluation"))?;
    }
    Ok(())
}

/// The images that the run was trained on.
fn open(record: &RunRecord, name: &str) -> Result<Dataset, Missing> {
    let nothing = "so nothing was measured or drawn for this page";
    let set = match &record.data.path {
        Some(path) if !path.exists() => {
            let note = format!("its images ({name}) are no longer where they were, {nothing}");
            return Err(noted(note)(path.display()));
        }
        Some(path) => datasets::open(path, record.config.image_size),
        None => datasets::built_in(),
    };
    let set = set.map_err(noted(format!("its images ({name}) can't be read, {nothing}")))?;
    if set.fingerprint() != record.data.fingerprint {
        let note = format!("other images are now in {name} than it was trained on, {nothing}");
        return Err(noted(note)("another fingerprint"));
    }
    Ok(set)
}

/// Scores and neighbors.
fn evaluate(report: &mut RunReport, run_on_data: RunOnData) -> Result<(), Failure> {
    let has_test = eval::labeled_splits(&run_on_data.set).is_ok();
    let measurement = Measurement::of(run_on_data)?;
    if has_test {
        let [rows, k] = NEIGHBORS;
        report.neighbors = Some(encoded(measurement.neighbors(rows, k)?)?);
    }
    let protocols = Protocol::quick();
    let initial = measurement.initial(&protocols)?;
    let scores = measurement.by(&protocols, None, initial, &Arc::default())?;
    report.run.evaluation = Some(Evaluation::of(&scores.record));
    Ok(())
}

/// Where images stand in the space of features: those of the test split, or else those without
/// labels.
fn map(frozen: &FrozenEncoder, set: &Dataset) -> Result<FeatureMap, Missing> {
    let (images, split) = match &set.test {
        Some(test) if !test.is_empty() => ("test images", test),
        _ => ("images", &set.unlabeled),
    };
    let indices = split.evenly_spaced(MAPPED);
    let rows: Vec<u32> = indices.iter().map(|&index| index as u32).collect();
    let chosen = split.select(&rows);
    let planes = planes(frozen, &chosen, images).map_err(noted("the features allow no map"))?;
    let points = indices.iter().enumerate();
    let points = points.map(|(number, &image)| Point {
        image,
        label: chosen.labels().map(|labels| labels[number]),
    });
    Ok(FeatureMap {
        images: images.to_owned(),
        class_names: set.class_names.clone(),
        points: points.collect(),
        planes,
        thumbnails: thumbnails(&chosen)?,
    })
}

/// The ways in which the images of `split`, called `images`, are placed: what is far apart can be
/// read off the one, what is close off the other.
fn planes(frozen: &FrozenEncoder, split: &Split, images: &str) -> eval::Result<Vec<Plane>> {
    let features = eval::extract(split, frozen.side(), BATCH, &|block| frozen.encode(block))?;
    let images = format!("{} {images}", split.len());
    let principal = eval::principal_plane(&features)?;
    let [right, up] = principal.explained.map(|share| 100.0 * share);
    let mut planes = vec![Plane {
        name: "Principal components",
        about: format!(
            "The two directions in which the unit-length features of these {images}, evenly spaced over the split, \
             vary most: {right:.1} % of the variance to the right, {up:.1} % up. What is far apart here is far \
             apart for the encoder; what is close here need not be."
        ),
        places: principal.places.clone(),
    }];
    if let Some(perplexity) = eval::usual_perplexity(split.len()) {
        planes.push(Plane {
            name: "t-SNE",
            about: format!(
                "The unit-length features of these {images}, evenly spaced over the split, laid out so that neighbors \
                 stay neighbors (t-SNE, perplexity {perplexity:.0}, begun from the principal components). What is \
                 close here is close for the encoder; sizes of groups and distances between them mean little."
            ),
            places: eval::tsne(&features, &principal, perplexity)?,
        });
    }
    Ok(planes)
}

fn thumbnails(split: &Split) -> Result<Thumbnails, Missing> {
    let [side, columns] = THUMBNAIL;
    let sheet = dataset::thumbnails(split, columns, side);
    let bytes = dataset::jpeg(&sheet).map_err(noted("no map"))?;
    Ok(Thumbnails { sheet: Picture::jpeg(bytes, sheet.dimensions().into()), columns, side })
}

fn picture(sheet: dataset::Sheet) -> Result<Picture, Missing> {
    encoded(sheet).map_err(noted("a sheet of images is too large for the page"))
}

fn encoded(sheet: dataset::Sheet) -> Result<Picture, dataset::Error> {
    let image = sheet.into_image();
    let bytes = dataset::jpeg(&image)?;
    Ok(Picture::jpeg(bytes, image.dimensions().into()))
}
