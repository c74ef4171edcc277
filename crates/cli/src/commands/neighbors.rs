//! `twinview neighbors`: nearest neighbors, near-duplicates and outliers.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::{ConcatSplits, ImageRecord, Sheet, Split};
use eval::Gallery;
use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::app::output::Output;
use crate::app::run_on_data::{BATCH, RunOnData};
use crate::args::NeighborsArguments;
use crate::commands::evaluate::measurement::Measurement;
use crate::commands::pretrain;

/// Runs the search, prints the result and saves a picture of it.
pub fn run(arguments: &NeighborsArguments, output: &Output) -> Result<ExitCode, Failure> {
    if let Some(out) = &arguments.out {
        files::check_writable(out)?;
    }
    match arguments {
        NeighborsArguments { query: Some(image), .. } => {
            search(arguments, output, |search| search.query(image))
        }
        NeighborsArguments { duplicates: true, .. } => {
            search(arguments, output, |search| search.duplicates())
        }
        NeighborsArguments { outliers: Some(count), .. } => {
            search(arguments, output, |search| search.outliers(*count))
        }
        _ => of_test_images(arguments, output),
    }
}

/// Saves a picture of test images and their nearest training images.
fn of_test_images(arguments: &NeighborsArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let (run, data) = (&arguments.run, arguments.data.as_deref());
    let checkpoint = arguments.checkpoint.choice();
    let sheet = Measurement::open(run, data, checkpoint, device)
        .and_then(|measurement| measurement.neighbors(arguments.rows, arguments.k))
        .map_err(|error| error.with("; --query, --duplicates and --outliers need no labels"))?;
    let out = arguments.out.as_deref().expect("required without a search");
    dataset::save_png(&sheet.into_image(), out)?;
    output.result(&json!({"sheet": out}), || {
        format!(
            "{}: each row is a test image and its {} nearest training images by cosine similarity",
            out.display(),
            arguments.k
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// The result of a search.
struct SearchResult {
    /// As JSON.
    value: Value,
    /// As text.
    text: String,
    sheet: Sheet,
}

/// A search in the images of a data set.
struct Search<'a> {
    arguments: &'a NeighborsArguments,
    run_on_data: &'a RunOnData,
    images: ConcatSplits<'a>,
    stop: Arc<AtomicBool>,
}

/// Runs the search `find`.
fn search(
    arguments: &NeighborsArguments,
    output: &Output,
    find: impl FnOnce(&Search<'_>) -> Result<SearchResult, Failure>,
) -> Result<ExitCode, Failure> {
    if arguments.k == 0 {
        return Err(Failure::usage("-k: expected at least 1, found 0"));
    }
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let stop = pretrain::stop_flag()?;
    let (run, data) = (&arguments.run, arguments.data.as_deref());
    let run_on_data = RunOnData::open(run, data, arguments.checkpoint.choice(), device)?;
    let images = run_on_data.select(&arguments.split)?;
    let mut found = find(&Search { arguments, run_on_data: &run_on_data, images, stop })?;
    if let Some(out) = &arguments.out {
        dataset::save_png(&found.sheet.into_image(), out)?;
    }
    found.value["sheet"] = json!(arguments.out);
    output.result(&found.value, || found.text);
    Ok(ExitCode::SUCCESS)
}

impl Search<'_> {
    /// Extracts the features of the images.
    fn gallery(&self) -> Result<Gallery, Failure> {
        let frozen = &self.run_on_data.frozen;
        let progress = JobProgressBar::new("embedding images", &self.stop);
        let gallery = Gallery::extract(
            &self.images,
            frozen.side(),
            BATCH,
            &|block| frozen.encode(block),
            &|done, of| progress.update(done, of),
        );
        gallery.map_err(|error| self.run_on_data.failure(error))
    }

    /// Finds the nearest neighbors of an image, of the data set or not.
    fn query(&self, path: &Path) -> Result<SearchResult, Failure> {
        let frozen = &self.run_on_data.frozen;
        let query = dataset::read_image(path, frozen.record.config.image_size);
        let query = query.map_err(Failure::usage)?;
        let features = eval::extract(&query, frozen.side(), BATCH, &|block| frozen.encode(block));
        let features = features.map_err(Failure::usage)?;
        let nearest = self.gallery()?.nearest(&features, self.arguments.k);
        let (mut listed, mut text) = (Vec::new(), String::new());
        let mut row = vec![(&query, 0)];
        for near in nearest {
            let record = self.images.record(near.row);
            let _ = writeln!(text, "{:.6}  {}", near.cosine, line(&record));
            listed.push(valued("cosine", near.cosine, &record));
            row.push(self.locate(near.row));
        }
        Ok(SearchResult {
            value: json!({"query": path, "nearest": listed}),
            text,
            sheet: Sheet::of_rows(&[row]),
        })
    }

    /// Finds pairs of near-duplicates.
    fn duplicates(&self) -> Result<SearchResult, Failure> {
        let (threshold, limit) = (self.arguments.threshold, self.arguments.limit);
        let gallery = self.gallery()?;
        let progress = JobProgressBar::new("comparing images", &self.stop);
        let found = gallery.duplicates(threshold, limit, &|done, of| progress.update(done, of));
        let found = found.map_err(|error| self.run_on_data.failure(error))?;
        let (count, listed) = (self.images.len(), found.pairs.len());
        let shortened = if listed as u64 == found.found {
            String::new()
        } else {
            format!("; the {listed} most similar:")
        };
        let mut text = format!(
            "{} pairs of {count} images have a cosine of at least {threshold}{shortened}\n",
            found.found
        );
        let mut values = Vec::new();
        for pair in &found.pairs {
            let [a, b] = pair.rows.map(|row| self.images.record(row));
            let _ = writeln!(text, "{:.6}  {}  {}", pair.cosine, line(&a), line(&b));
            values.push(json!({"cosine": pair.cosine, "images": [a, b]}));
        }
        let drawn = found.pairs.iter().take(self.arguments.rows);
        let rows: Vec<_> =
            drawn.map(|pair| pair.rows.map(|row| self.locate(row)).to_vec()).collect();
        Ok(SearchResult {
            value: json!({
                "images": count, "threshold": threshold, "found": found.found, "pairs": values,
            }),
            text,
            sheet: Sheet::of_rows(&rows),
        })
    }

    /// Finds the images that are farthest from their nearest neighbors.
    fn outliers(&self, count: usize) -> Result<SearchResult, Failure> {
        let gallery = self.gallery()?;
        let k = self.arguments.k;
        let progress = JobProgressBar::new("comparing images", &self.stop);
        let found = gallery.outliers(count, k, &|done, of| progress.update(done, of));
        let found = found.map_err(|error| self.run_on_data.failure(error))?;
        let mut text =
            format!("mean cosine distance to the {k} nearest of {} images\n", self.images.len());
        let mut values = Vec::new();
        for outlier in &found {
            let record = self.images.record(outlier.row);
            let _ = writeln!(text, "{:.6}  {}", outlier.distance, line(&record));
            values.push(valued("distance", outlier.distance, &record));
        }
        let row = |row: usize| {
            let around = gallery.around(row, k);
            let beside = around.iter().map(|near| self.locate(near.row));
            std::iter::once(self.locate(row)).chain(beside).collect()
        };
        let drawn = found.iter().take(self.arguments.rows);
        let rows: Vec<Vec<_>> = drawn.map(|outlier| row(outlier.row)).collect();
        Ok(SearchResult {
            value: json!({"images": self.images.len(), "k": k, "outliers": values}),
            text,
            sheet: Sheet::of_rows(&rows),
        })
    }

    /// The split of an image and its index there.
    fn locate(&self, row: usize) -> (&Split, usize) {
        let (_, split, index) = self.images.locate(row);
        (split, index)
    }
}

/// An image as one line.
fn line(record: &ImageRecord<'_>) -> String {
    match record.class {
        Some(class) => format!("{record} ({class})"),
        None => record.to_string(),
    }
}

/// An image with a value, as JSON.
fn valued(name: &str, number: f64, record: &ImageRecord<'_>) -> Value {
    let mut value = json!({ name: number });
    let record = json!(record);
    for (key, known) in record.as_object().into_iter().flatten() {
        value[key] = known.clone();
    }
    value
}
