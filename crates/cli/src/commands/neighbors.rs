//! `twinview neighbors`: nearest neighbors, near-duplicates and outliers.

mod duplicate_group;

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::{ConcatSplits, ImageRecord, Split};
use eval::{FrozenEncoder, Gallery, Neighbor, Outlier};
use report::{ContactSheet, Frame, SheetRow, Tile};
use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::app::output::Output;
use crate::app::run_on_data::{BATCH, RunOnData};
use crate::app::stop_flag::{self, stop_flag};
use crate::app::{tiles, words};
use crate::args::NeighborsArguments;
use crate::commands::evaluate::measurement::Measurement;
use duplicate_group::{DuplicateGroup, groups_text};

/// Runs the search, prints the result and saves a picture of it.
pub fn run(arguments: &NeighborsArguments, output: &Output) -> Result<ExitCode, Failure> {
    if let Some(out) = &arguments.out {
        dataset::PictureFormat::of(out)?;
        files::check_writable(out)?;
    }
    if arguments.k == 0 {
        return Err(Failure::usage("-k: expected at least 1, found 0"));
    }
    match arguments {
        NeighborsArguments { query: Some(path), .. } => {
            search(arguments, output, |search| search.query(path))
        }
        NeighborsArguments { duplicates: true, .. } => {
            search(arguments, output, |search| search.duplicates())
        }
        NeighborsArguments { outliers: Some(count), .. } => {
            search(arguments, output, |search| search.outliers(*count))
        }
        _ => of_images(arguments, output),
    }
}

/// Saves a picture of test images and their nearest training images, or, without a labeled test
/// split, of images of the set and those nearest to them.
fn of_images(arguments: &NeighborsArguments, output: &Output) -> Result<ExitCode, Failure> {
    let run_on_data = list(arguments)?;
    if eval::labeled_splits(&run_on_data.set).is_err() {
        return search_in(run_on_data, arguments, output, |search| search.sample());
    }
    let run_on_data = run_on_data.load()?.cached(!arguments.no_cache);
    let measurement = Measurement::of(run_on_data)?;
    let sheet = measurement.neighbors(arguments.rows, arguments.k)?;
    let out = arguments.out.as_deref().expect("required without a search");
    dataset::save_picture(&sheet.image(), out)?;
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
    sheet: ContactSheet,
}

/// The image whose neighbors are asked for.
fn read_query(path: &Path, frozen: &FrozenEncoder) -> Result<Split, Failure> {
    if path == Path::new("-") {
        let message = "--query: expected an image file, found - (save the image as a file)";
        return Err(Failure::usage(message));
    }
    let query = dataset::read_image(path, frozen.record.config.image_size);
    query.map_err(Failure::usage)
}

/// A search in the images of a data set.
struct Search<'a> {
    arguments: &'a NeighborsArguments,
    run_on_data: &'a RunOnData,
    images: ConcatSplits<'a>,
    /// The image of `--query`.
    query: Option<Split>,
    stop: Arc<AtomicBool>,
}

/// The run and the images of the command, not read yet.
fn list(arguments: &NeighborsArguments) -> Result<RunOnData, Failure> {
    let device = arguments.device.parse().map_err(Failure::usage)?;
    RunOnData::list(&arguments.run, &arguments.data, arguments.checkpoint.choice(), device)
}

/// Runs the search `find`.
fn search(
    arguments: &NeighborsArguments,
    output: &Output,
    find: impl FnOnce(&Search<'_>) -> Result<SearchResult, Failure>,
) -> Result<ExitCode, Failure> {
    search_in(list(arguments)?, arguments, output, find)
}

/// Runs the search `find` in listed images.
fn search_in(
    run_on_data: RunOnData,
    arguments: &NeighborsArguments,
    output: &Output,
    find: impl FnOnce(&Search<'_>) -> Result<SearchResult, Failure>,
) -> Result<ExitCode, Failure> {
    let stop = stop_flag(stop_flag::WORKING)?;
    run_on_data.select(&arguments.split)?;
    let query = arguments.query.as_deref();
    let query = query.map(|path| read_query(path, &run_on_data.frozen)).transpose()?;
    let run_on_data = run_on_data.load()?.cached(!arguments.no_cache);
    let images = run_on_data.select(&arguments.split)?;
    let mut found = find(&Search { arguments, run_on_data: &run_on_data, images, query, stop })?;
    if let Some(out) = &arguments.out {
        dataset::save_picture(&found.sheet.image(), out)?;
    }
    found.value["sheet"] = json!(arguments.out);
    output.result(&found.value, || found.text);
    Ok(ExitCode::SUCCESS)
}

impl Search<'_> {
    /// Extracts the features of the images.
    fn gallery(&self) -> Result<Gallery, Failure> {
        let splits: Vec<&Split> = self.images.splits().iter().map(|(_, split)| *split).collect();
        let progress = self.run_on_data.progress(&self.stop);
        let gallery = Gallery::extract(&self.run_on_data.frozen, &splits, BATCH, &progress);
        gallery.map_err(|error| self.run_on_data.failure(error))
    }

    /// Finds the nearest neighbors of evenly spaced images.
    fn sample(&self) -> Result<SearchResult, Failure> {
        let (count, k) = (self.images.len(), self.arguments.k);
        let rows = self.arguments.rows.min(count);
        let gallery = self.gallery()?;
        let (mut values, mut drawn) = (Vec::new(), Vec::new());
        for row in (0..rows).map(|number| number * count / rows) {
            let nearest = gallery.around(row, k);
            let query = tiles::tile(&self.images, row, &[], Frame::Query);
            let record = self.images.record(row);
            drawn.push(tiles::neighbors(query, record.label, &self.images, &nearest));
            let near =
                |near: &Neighbor| valued("cosine", near.cosine, &self.images.record(near.row));
            let nearest: Vec<Value> = nearest.iter().map(near).collect();
            values.push(json!({"image": record, "nearest": nearest}));
        }
        let labeled = !self.images.class_names().is_empty();
        let title = format!(
            "Images and their {k} nearest, with their cosine similarity.{}",
            tiles::legend(labeled)
        );
        let out = self.arguments.out.as_deref().expect("required without a search");
        let text = format!(
            "{}: each row is an image and its {k} nearest by cosine similarity\n",
            out.display()
        );
        Ok(SearchResult {
            value: json!({"images": count, "k": k, "rows": values}),
            text,
            sheet: sheet(title, drawn),
        })
    }

    /// Finds the nearest neighbors of an image, of the data set or not.
    fn query(&self, path: &Path) -> Result<SearchResult, Failure> {
        let frozen = &self.run_on_data.frozen;
        let query = self.query.as_ref().expect("read before the search");
        let features = eval::extract(query, frozen.side(), BATCH, &|block| frozen.encode(block));
        let features = features.map_err(Failure::usage)?;
        let nearest = self.gallery()?.nearest(&features, self.arguments.k);
        let (mut listed, mut text) = (Vec::new(), String::new());
        for near in &nearest {
            let record = self.images.record(near.row);
            let _ = writeln!(text, "{:.6}  {}", near.cosine, line(&record));
            listed.push(valued("cosine", near.cosine, &record));
        }
        let name = files::OneLine(path.file_name().unwrap_or_default());
        let query = Tile {
            image: query.image(0).into(),
            caption: vec![name.to_string(), "query".to_owned()],
            frame: Frame::Query,
        };
        let row = tiles::neighbors(query, None, &self.images, &nearest);
        let title = "An image and its nearest neighbors, with their cosine similarity.";
        Ok(SearchResult {
            value: json!({"query": path, "nearest": listed}),
            text,
            sheet: sheet(title.to_owned(), vec![row]),
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
            "{} of {} {} a cosine of at least {threshold}{shortened}\n",
            words::count(found.found, "pair"),
            words::count(count, "image"),
            if found.found == 1 { "has" } else { "have" },
        );
        let mut values = Vec::new();
        for pair in &found.pairs {
            let [a, b] = pair.rows.map(|row| self.images.record(row));
            let _ = writeln!(text, "{:.6}  {}  {}", pair.cosine, line(&a), line(&b));
            values.push(json!({"cosine": pair.cosine, "images": [a, b]}));
        }
        let groups = DuplicateGroup::all(&found, &self.images, &self.run_on_data.source.paths);
        text += &groups_text(&groups, &self.images);
        let listed: Vec<Value> = groups.iter().map(|group| group.value(&self.images)).collect();
        let drawn = groups.iter().take(self.arguments.rows);
        let title = format!(
            "Near-duplicates: cosine similarity of at least {threshold}. The first of each group, \
             the largest, is the one to keep; each other has its cosine to the most similar of its \
             group."
        );
        let rows = drawn.map(|group| group.row(&self.images)).collect();
        Ok(SearchResult {
            value: json!({
                "images": count, "threshold": threshold, "found": found.found, "pairs": values,
                "groups": listed,
            }),
            text,
            sheet: sheet(title, rows),
        })
    }

    /// Finds the images that are farthest from their nearest neighbors.
    fn outliers(&self, count: usize) -> Result<SearchResult, Failure> {
        let gallery = self.gallery()?;
        let k = self.arguments.k;
        let progress = JobProgressBar::new("comparing images", &self.stop);
        let found = gallery.outliers(count, k, &|done, of| progress.update(done, of));
        let found = found.map_err(|error| self.run_on_data.failure(error))?;
        // An image is no neighbor of itself.
        let near = k.min(self.images.len().saturating_sub(1));
        let images = words::count(self.images.len(), "image");
        let mut text = format!("mean cosine distance to the {near} nearest of {images}\n");
        let mut values = Vec::new();
        for outlier in &found {
            let record = self.images.record(outlier.row);
            let _ = writeln!(text, "{:.6}  {}", outlier.distance, line(&record));
            values.push(valued("distance", outlier.distance, &record));
        }
        let row = |outlier: &Outlier| {
            let words = [format!("distance {:.4}", outlier.distance)];
            let query = tiles::tile(&self.images, outlier.row, &words, Frame::Query);
            let label = self.images.record(outlier.row).label;
            tiles::neighbors(query, label, &self.images, &gallery.around(outlier.row, k))
        };
        let rows = found.iter().take(self.arguments.rows).map(row).collect();
        let title = format!(
            "The images farthest from their {k} nearest, by mean cosine distance, and these \
             nearest, with their cosine similarity.{}",
            tiles::legend(!self.images.class_names().is_empty())
        );
        Ok(SearchResult {
            value: json!({"images": self.images.len(), "k": k, "outliers": values}),
            text,
            sheet: sheet(title, rows),
        })
    }
}

/// A contact sheet of findings.
fn sheet(title: String, rows: Vec<SheetRow>) -> ContactSheet {
    ContactSheet { title, columns: tiles::COLUMNS, rows }
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
