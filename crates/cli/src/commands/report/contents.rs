//! Scores and pictures of a report that are computed from a run's encoder and images. Missing ones
//! become a note in the report, not an error.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use dataset::{ConcatSplits, Dataset, Split};
use eval::{CheckpointChoice, Clusters, FrozenEncoder, Gallery, KMeansSettings, Protocol};
use models::DeviceChoice;
use report::{
    ContactSheet, Evaluation, FeatureMap, Frame, Picture, Plane, Point, RunReport, SheetRow,
    Thumbnails,
};
use trainer::RunRecord;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::run_on_data::{BATCH, RunOnData};
use crate::app::stop_flag;
use crate::app::tiles;
use crate::commands::compare::{NEIGHBORS, PREVIEW};
use crate::commands::evaluate::measurement::Measurement;

/// Images on the map, at most.
const MAPPED: usize = 1000;
/// Clusters on the map of images without labels, at most.
const CLUSTERS: usize = 10;
/// Images in which neighbors are looked for where the set has no labeled test images, at most.
const SEARCHED: usize = 4000;
/// Misclassified images, at most.
const MISCLASSIFIED: usize = 24;
/// Side of an image on the sheet of the map's images, and images in a row there.
const THUMBNAIL: [usize; 2] = [64, 32];

/// Puts new scores and pictures in the place of those that stand in the run folder.
///
/// With the cache of features, where `cached`.
///
/// # Errors
/// Those of an interruption.
pub fn complete(report: &mut RunReport, device: DeviceChoice, cached: bool) -> Result<(), Failure> {
    let folder = report.run.folder.clone();
    tracing::info!("{}: measuring and drawing", folder.display());
    if let Err(Missing { note, reason }) = try_complete(report, &folder, device, cached) {
        if stop_flag::is_stopped() {
            return Err(Failure::interrupted());
        }
        tracing::warn!("{}: {note}: {reason}", folder.display());
        report.notes.push(note);
    }
    Ok(())
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
    cached: bool,
) -> Result<(), Missing> {
    let record = RunRecord::read(folder).map_err(noted(
        "written by another version, so nothing was measured or drawn for this page",
    ))?;
    let set = open(&record, &report.run.data.name())?;
    let [rows, repeats] = PREVIEW;
    let views = record.config.view_recipes();
    let sheet = augment::preview(&set.unlabeled, &views, record.config.seed, rows, repeats);
    let sheet =
        sheet.map_err(noted("its images can't be read, so nothing was drawn for this page"))?;
    report.augmentation = Some(picture(sheet)?);
    let frozen = FrozenEncoder::open(folder, CheckpointChoice::Newest, device)
        .map_err(noted("no checkpoint to measure, so there are no new scores, neighbors or map"))?;
    let run_on_data = RunOnData::of(folder, frozen, set, &record.data.source).map_err(noted(
        "its images have an odd path, so nothing was measured or drawn for this page",
    ))?;
    let run_on_data = run_on_data.cached(cached);
    report.map = Some(map(&run_on_data)?);
    let has_test = eval::labeled_splits(&run_on_data.set).is_ok();
    if !has_test {
        let why = match &run_on_data.set.train {
            Some(_) => "no labeled test images; scores are over folds of the labeled ones",
            None => "no labels, so there are no scores of linear or kNN and no confusion matrix",
        };
        report
            .notes
            .push(format!("its images have {why}; neighbors are among the images themselves"));
        report.nearest = Some(neighbors(&run_on_data)?);
    }
    if eval::evaluation_splits(&run_on_data.set).is_ok() {
        evaluate(report, run_on_data, has_test).map_err(noted("the labels allow no evaluation"))?;
    }
    Ok(())
}

/// The images that the run was trained on.
fn open(record: &RunRecord, name: &str) -> Result<Dataset, Missing> {
    let nothing = "so nothing was measured or drawn for this page";
    let source = &record.data.source;
    if let Some(path) = source.paths.iter().find(|path| !path.exists()) {
        let note = format!("its images ({name}) are no longer where they were, {nothing}");
        return Err(noted(note)(path.display()));
    }
    let store = record.config.data.store.unwrap_or_default();
    let set = datasets::open_with(source, record.config.image_size, store);
    let set = set.map_err(noted(format!("its images ({name}) can't be read, {nothing}")))?;
    if set.fingerprint() != record.data.fingerprint {
        let note = format!("other images are now in {name} than it was trained on, {nothing}");
        return Err(noted(note)("another fingerprint"));
    }
    Ok(set)
}

/// Scores and neighbors.
fn evaluate(report: &mut RunReport, run_on_data: RunOnData, has_test: bool) -> Result<(), Failure> {
    let measurement = Measurement::of(run_on_data)?;
    if has_test {
        let [rows, k] = NEIGHBORS;
        report.nearest = Some(measurement.neighbors(rows, k)?);
        report.misclassified = measurement.misclassified(MISCLASSIFIED)?;
    }
    let protocols = Protocol::quick();
    let initial = measurement.initial(&protocols)?;
    let scores = measurement.by(&protocols, None, initial, &Arc::default())?;
    report.run.evaluation = Some(Evaluation::of(&scores.record));
    Ok(())
}

/// Images and their nearest neighbors, in a set without labeled test images: among the labeled
/// ones, or else among those without labels.
fn neighbors(run_on_data: &RunOnData) -> Result<ContactSheet, Missing> {
    let RunOnData { frozen, set, .. } = run_on_data;
    let (name, split) = match &set.train {
        Some(train) if !train.is_empty() => ("train", train),
        _ => ("unlabeled", &set.unlabeled),
    };
    let chosen: Vec<u32> =
        split.evenly_spaced(SEARCHED).into_iter().map(|index| index as u32).collect();
    let part = split.select(&chosen);
    let labeled = part.labels().is_some();
    let searched = match name {
        "train" => Dataset { train: Some(part.clone()), test: None, ..set.clone() },
        _ => Dataset { unlabeled: part.clone(), train: None, test: None, ..set.clone() },
    };
    let images = ConcatSplits::new(&searched, &[name]).expect("a split that is there");
    let go_on = |_: usize, _: usize| ControlFlow::Continue(());
    let gallery = Gallery::extract(frozen, &[&part], BATCH, &go_on);
    let gallery = gallery.map_err(noted("the features allow no neighbors"))?;
    let [rows, k] = NEIGHBORS;
    let row = |query: usize| -> SheetRow {
        let tile = tiles::tile(&images, query, &[], Frame::Query);
        let label = images.record(query).label;
        tiles::neighbors(tile, label, &images, &gallery.around(query, k))
    };
    let part_of = match part.len() < split.len() {
        true => format!(", evenly spaced over {}", split.len()),
        false => String::new(),
    };
    let title = format!(
        "Images and their nearest neighbors by features among {} images{part_of}, with their \
         cosine similarity.{}",
        part.len(),
        tiles::legend(labeled)
    );
    let rows = part.evenly_spaced(rows).into_iter().map(row).collect();
    Ok(ContactSheet { title, columns: tiles::COLUMNS, rows })
}

/// Where images stand in the space of features: those of the test split, or else labeled ones, or
/// those without labels, which are colored by cluster.
fn map(run_on_data: &RunOnData) -> Result<FeatureMap, Missing> {
    let RunOnData { frozen, set, .. } = run_on_data;
    let (name, images, split) = match (&set.test, &set.train) {
        (Some(test), _) if !test.is_empty() => ("test", "test images", test),
        (_, Some(train)) if !train.is_empty() => ("train", "labeled images", train),
        _ => ("unlabeled", "images", &set.unlabeled),
    };
    let indices = split.evenly_spaced(MAPPED);
    let rows: Vec<u32> = indices.iter().map(|&index| index as u32).collect();
    let chosen = split.select(&rows);
    let shown = format!("{} {images}", chosen.len());
    let (planes, clusters) =
        layouts(frozen, &chosen, &shown).map_err(noted("the features allow no map"))?;
    let (labels, class_names): (Vec<Option<u16>>, Vec<String>) = match (chosen.labels(), clusters) {
        (_, Some(found)) => {
            let names = (1..=found.len()).map(|number| format!("cluster {number}"));
            (found.labels.iter().map(|&label| Some(label as u16)).collect(), names.collect())
        }
        (labels, None) => {
            let labels = labels.unwrap_or_default().iter().copied().map(Some);
            (labels.collect(), set.class_names.clone())
        }
    };
    let points = indices.iter().zip(labels);
    let name_of =
        |image: usize| split.name(image).map_or_else(|| format!("{name}/{image}"), Cow::into_owned);
    Ok(FeatureMap {
        images: images.to_owned(),
        class_names,
        points: points.map(|(&image, label)| Point { name: name_of(image), label }).collect(),
        planes,
        thumbnails: thumbnails(&chosen)?,
    })
}

/// The ways in which the images of `split`, called `images`, are placed: first the one off which
/// can be read what is close, then the one off which what is far apart. Clusters of those that have
/// no labels.
fn layouts(
    frozen: &FrozenEncoder,
    split: &Split,
    images: &str,
) -> eval::Result<(Vec<Plane>, Option<Clusters>)> {
    let go_on = |_: usize, _: usize| ControlFlow::Continue(());
    let features = frozen.extract(&[split], BATCH, &go_on)?;
    let mut coloring = String::new();
    let mut clusters = None;
    if split.labels().is_none() {
        let found = Gallery::new(&features)?.k_means(&KMeansSettings::new(CLUSTERS), &go_on)?;
        coloring = format!(
            " Colors and markers are {} clusters of all features, by k-means, the largest first.",
            found.len()
        );
        clusters = Some(found);
    }
    let principal = eval::principal_plane(&features)?;
    let mut planes = Vec::new();
    if let Some(perplexity) = eval::usual_perplexity(principal.places.len()) {
        planes.push(Plane {
            name: "t-SNE",
            about: format!(
                "The unit-length features of these {images}, evenly spaced over the split, laid \
                 out so that neighbors stay neighbors (t-SNE, perplexity {perplexity:.0}, begun \
                 from the principal components). What is close here is close for the encoder; \
                 sizes of groups and distances between them mean little."
            ),
            places: eval::tsne(&features, &principal, perplexity)?,
        });
    }
    let [right, up] = principal.explained.map(|share| 100.0 * share);
    planes.push(Plane {
        name: "Principal components",
        about: format!(
            "The two directions in which the unit-length features of these {images}, evenly \
             spaced over the split, vary most: {right:.1} % of the variance to the right, \
             {up:.1} % up. What is far apart here is far apart for the encoder; what is close \
             here need not be."
        ),
        places: principal.places,
    });
    planes.iter_mut().for_each(|plane| plane.about += &coloring);
    Ok((planes, clusters))
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
