//! `twinview predict`: labels and confidences of unlabeled images.

use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::{ConcatSplits, Split};
use eval::{LabelPredictor, LinearSettings, Prediction};
use report::{ContactSheet, Frame, SheetRow, Tile};
use run::DataSource;
use serde_json::{Map, Value, json};

use crate::app::failure::Failure;
use crate::app::labels::{LabeledImages, unlabeled_set};
use crate::app::output::Output;
use crate::app::run_on_data::{BATCH, RunOnData};
use crate::app::stop_flag::{self, stop_flag};
use crate::app::words::{count, significant};
use crate::app::{datasets, table, tiles};
use crate::args::PredictArguments;

/// Predicts the labels, writes them, and prints how good they are.
pub fn run(arguments: &PredictArguments, output: &Output) -> Result<ExitCode, Failure> {
    for file in [Some(&arguments.out), arguments.sheet.as_ref()].into_iter().flatten() {
        files::check_writable(file)?;
    }
    arguments.sheet.as_deref().map(dataset::PictureFormat::of).transpose()?;
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let stop = stop_flag(stop_flag::WORKING)?;
    let (run, data) = (&arguments.run, &arguments.data);
    let run_on_data = RunOnData::list(run, data, arguments.checkpoint.choice(), device)?;
    images(arguments, &run_on_data)?;
    let labeled = labeled(arguments, &run_on_data)?;
    labeled.check_classes()?;
    let run_on_data = run_on_data.load()?.cached(!arguments.no_cache);
    let (images, labeled) = (images(arguments, &run_on_data)?, labeled.load(&run_on_data)?);
    let predictor = fit(&run_on_data, &labeled, &stop)?;
    let predictions = predict(arguments, &run_on_data, &images, &predictor, &stop)?;
    let found = Predictions { images, labeled, predictor, predictions };
    found.write_table(arguments)?;
    if let Some(sheet) = &arguments.sheet {
        let tiles = found.least_certain(arguments.limit);
        let title = format!(
            "the {} least certain of {} images: name, confidence and label{}",
            tiles.len(),
            found.images.len(),
            match tiles.iter().any(|tile| tile.frame != Frame::Plain) {
                true =>
                    ", the class that it has. Frames: green where they agree, orange where not.",
                false => "",
            }
        );
        let rows = vec![SheetRow { query: None, tiles }];
        let drawn = ContactSheet { title, columns: tiles::COLUMNS, rows };
        dataset::save_picture(&drawn.image(), sheet)?;
    }
    for row in 0..found.predictions.len() {
        output.json_line(&found.value(row));
    }
    output.json_line(&found.summary(arguments));
    output.table(|| found.text(arguments));
    Ok(ExitCode::SUCCESS)
}

/// The images to predict, by the arguments.
fn images<'a>(
    arguments: &PredictArguments,
    run_on_data: &'a RunOnData,
) -> Result<ConcatSplits<'a>, Failure> {
    if !arguments.split.is_empty() {
        return run_on_data.select(&arguments.split);
    }
    run_on_data.unlabeled().map_err(|failure| {
        Failure::usage(format!("{failure}; --split train or test predicts those"))
    })?;
    Ok(ConcatSplits::new(&run_on_data.set, &["unlabeled"])?)
}

/// The labeled images, by the arguments.
fn labeled(
    arguments: &PredictArguments,
    run_on_data: &RunOnData,
) -> Result<LabeledImages, Failure> {
    let record = &run_on_data.frozen.record;
    let image_size = record.config.image_size;
    if let Some(dir) = &arguments.labeled {
        let skip_bad = arguments.data.reading.skip_bad;
        let source = DataSource { paths: vec![dir.clone()], skip_bad, ..DataSource::default() };
        return LabeledImages::list(&source, image_size);
    }
    if let Some(labeled) = LabeledImages::of_run(run_on_data) {
        return Ok(labeled);
    }
    let source = &record.data.source;
    if source.paths.is_empty() {
        let set = datasets::built_in_of(&arguments.run, record)?;
        return LabeledImages::of(&set, "the built-in set")
            .ok_or_else(|| unlabeled_set("the built-in set"));
    }
    if arguments.data.data.is_empty() || !source.paths.iter().all(|path| path.exists()) {
        return Err(unlabeled_set(&run_on_data.place));
    }
    LabeledImages::list(source, image_size)
}

/// Fits the classifier to the labeled images.
fn fit(
    run_on_data: &RunOnData,
    labeled: &LabeledImages,
    stop: &Arc<AtomicBool>,
) -> Result<LabelPredictor, Failure> {
    let failure = |error: eval::Error| match error {
        eval::Error::Interrupted | eval::Error::Loader(_) => error.into(),
        error => Failure::usage(format!("{}: {error}", labeled.place)),
    };
    let progress = run_on_data.progress(stop);
    let features = run_on_data.frozen.extract_labeled(labeled.images(), "train", BATCH, &progress);
    tracing::info!("fitting a classifier to {} images", labeled.images().len());
    LabelPredictor::fit(&features.map_err(failure)?, &LinearSettings::default()).map_err(failure)
}

fn predict(
    arguments: &PredictArguments,
    run_on_data: &RunOnData,
    images: &ConcatSplits<'_>,
    predictor: &LabelPredictor,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Prediction>, Failure> {
    let splits: Vec<&Split> = images.splits().iter().map(|(_, split)| *split).collect();
    let progress = run_on_data.progress(stop);
    let features = run_on_data.frozen.extract(&splits, BATCH, &progress);
    let features = features.map_err(|error| run_on_data.failure(error))?;
    Ok(predictor.predict(&features, arguments.top_k.get()))
}

/// What was predicted, with what it is about.
struct Predictions<'a> {
    images: ConcatSplits<'a>,
    labeled: LabeledImages,
    predictor: LabelPredictor,
    predictions: Vec<Prediction>,
}

impl Predictions<'_> {
    /// A line for each image.
    fn write_table(&self, arguments: &PredictArguments) -> Result<(), Failure> {
        let ranks = self.predictions.first().map_or(1, |found| found.ranked.len());
        let mut header = vec!["path".to_owned(), "label".to_owned(), "confidence".to_owned()];
        for rank in 2..=ranks {
            header.extend([format!("label_{rank}"), format!("confidence_{rank}")]);
        }
        let rows = self.predictions.iter().enumerate().map(|(row, found)| {
            let mut fields = vec![self.images.record(row).to_string()];
            for &(label, confidence) in &found.ranked {
                fields.extend([self.labeled.class(label), format!("{confidence:.6}")]);
            }
            fields
        });
        table::write(&arguments.out, &header, rows)
    }

    /// An image as JSON.
    fn value(&self, row: usize) -> Value {
        let classes = self.predictions[row].ranked.iter().map(|&(label, confidence)| {
            json!({"label": self.labeled.class(label), "confidence": confidence})
        });
        json!({
            "kind": "prediction",
            "path": self.images.record(row).to_string(),
            "classes": classes.collect::<Vec<_>>(),
        })
    }

    /// Number of images by predicted class, and their mean confidence; the most frequent first, of
    /// equally frequent ones the lower label.
    fn counts(&self) -> Vec<(i64, usize, f64)> {
        let mut counts: std::collections::BTreeMap<i64, (usize, f64)> = Default::default();
        for found in &self.predictions {
            let (label, confidence) = found.ranked[0];
            let (count, sum) = counts.entry(label).or_default();
            *count += 1;
            *sum += confidence;
        }
        let mut counts: Vec<_> = counts
            .into_iter()
            .map(|(label, (count, sum))| (label, count, sum / count as f64))
            .collect();
        counts.sort_by_key(|(label, count, _)| (std::cmp::Reverse(*count), *label));
        counts
    }

    fn summary(&self, arguments: &PredictArguments) -> Value {
        let classes: Map<String, Value> = self
            .counts()
            .into_iter()
            .map(|(label, count, _)| (self.labeled.class(label), count.into()))
            .collect();
        json!({
            "kind": "summary",
            "out": arguments.out,
            "sheet": arguments.sheet,
            "images": self.predictions.len(),
            "labeled_images": self.labeled.images().len(),
            "c": self.predictor.c(),
            "calibration": self.predictor.calibration(),
            "classes": classes,
        })
    }

    fn text(&self, arguments: &PredictArguments) -> String {
        let mut text = format!(
            "{}: {}, by logistic regression on {} (C {})\n",
            arguments.out.display(),
            count(self.predictions.len(), "image"),
            count(self.labeled.images().len(), "labeled one"),
            significant(self.predictor.c()),
        );
        let _ = match self.predictor.calibration() {
            Some(found) => writeln!(
                text,
                "by {} that were held out: accuracy {:.1} %, expected calibration \
                 error {:.1} % ({:.1} % before temperature {:.2})",
                count(found.images, "labeled image"),
                100.0 * found.accuracy,
                100.0 * found.calibration_error,
                100.0 * found.calibration_error_uncalibrated,
                found.temperature,
            ),
            None => writeln!(text, "one labeled image a class: confidences are not calibrated"),
        };
        let counts = self.counts();
        let names: Vec<String> =
            counts.iter().map(|(label, ..)| self.labeled.class(*label)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
        let _ = writeln!(text, "{:<width$}  images  mean confidence", "class");
        for (name, (_, count, confidence)) in names.iter().zip(counts) {
            let _ = writeln!(text, "{name:<width$}  {count:>6}  {:>13.1} %", 100.0 * confidence);
        }
        text
    }

    /// The images of the lowest confidence, the lowest first.
    fn least_certain(&self, limit: usize) -> Vec<Tile> {
        let mut rows: Vec<usize> = (0..self.predictions.len()).collect();
        let confidence = |row: usize| self.predictions[row].ranked[0].1;
        rows.sort_by(|&a, &b| confidence(a).total_cmp(&confidence(b)));
        let tile = |&row: &usize| {
            let class = self.labeled.class(self.predictions[row].ranked[0].0);
            let frame = match self.images.record(row).class {
                None => Frame::Plain,
                Some(known) if known == class => Frame::Same,
                Some(_) => Frame::Other,
            };
            let mut tile = tiles::tile(&self.images, row, &[], frame);
            tile.caption.insert(1, format!("{:.0} % {class}", 100.0 * confidence(row)));
            tile
        };
        rows.iter().take(limit).map(tile).collect()
    }
}
