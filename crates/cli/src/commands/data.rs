//! `twinview data`.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use dataset::{Description, SyntheticSpec, WriteOptions};
use run::DataSource;
use serde_json::json;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::words;
use crate::args::DataCommand;

/// Columns and rows of thumbnails.
const SHEET: [usize; 2] = [16, 8];

/// Runs one of the commands.
pub fn run(command: &DataCommand, output: &Output) -> Result<ExitCode, Failure> {
    match command {
        DataCommand::Info { dirs, reading, image_size, sheet } => {
            info(&reading.source(dirs), *image_size, sheet.as_deref(), output)?
        }
        DataCommand::Pack { dirs, reading, image_size, out } => {
            files::check_new_folder(out).map_err(dataset::Error::from)?;
            let listed = datasets::list(&reading.source(dirs), *image_size)?;
            let (set, skipped) = listed.open_skipping()?;
            let options =
                WriteOptions { image_size: Some(*image_size), progress: &datasets::bar() };
            dataset::write_stl10(&set, out, &options)?;
            written(out, &skipped, output)?;
        }
        &DataCommand::Synth { ref out, unlabeled, train, test, image_size, seed } => {
            let spec = SyntheticSpec { unlabeled, train, test, size: image_size, seed };
            dataset::write_synthetic(&spec, out, &datasets::bar())?;
            written(out, &[], output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the written set back and reports its size and the skipped files.
fn written(out: &Path, skipped: &[String], output: &Output) -> Result<(), Failure> {
    let source = DataSource { paths: vec![out.to_owned()], ..DataSource::default() };
    let set = datasets::open(&source, 0)?;
    let count = |split: &Option<dataset::Split>| split.as_ref().map_or(0, dataset::Split::len);
    let counts = [set.unlabeled.len(), count(&set.train), count(&set.test)];
    let value = json!({
        "out": out, "unlabeled": counts[0], "train": counts[1], "test": counts[2],
        "width": set.unlabeled.width(), "height": set.unlabeled.height(), "skipped": skipped,
    });
    output.result(&value, || {
        let [unlabeled, train, test] = counts;
        let skipped = match skipped.len() {
            0 => String::new(),
            count => format!(", {} skipped", words::count(count, "file")),
        };
        format!(
            "{}: {unlabeled} unlabeled, {train} train, {test} test images{skipped}",
            out.display()
        )
    });
    Ok(())
}

fn info(
    source: &DataSource,
    image_size: usize,
    sheet: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    if let Some(path) = sheet {
        dataset::PictureFormat::of(path)?;
        files::check_writable(path)?;
    }
    let set = datasets::open(source, image_size)?;
    if let Some(path) = sheet {
        let [across, down] = SHEET;
        dataset::save_picture(&dataset::contact_sheet(&set.unlabeled, across, down), path)?;
    }
    let description = dataset::describe(&set);
    output.result(&description, || text(&datasets::place(source), &description));
    Ok(())
}

fn classes(count: usize) -> String {
    words::count(count, "class")
}

fn text(place: &str, description: &Description) -> String {
    let mut text = format!(
        "{}: {}, {} x {} pixels, {}, fingerprint {}\n",
        place,
        description.kind,
        description.width,
        description.height,
        classes(description.class_names.len()),
        description.fingerprint,
    );
    for split in &description.splits {
        let rgb = |values: [f64; 3]| values.map(|value| format!("{value:.3}")).join(" ");
        let note = if split.same_as_train { " (those of train)" } else { "" };
        let _ = writeln!(
            text,
            "{:<10} {:>7} {}{note}   mean {}   std {}   (RGB, of {} images)",
            split.name,
            split.images,
            if split.images == 1 { "image " } else { "images" },
            rgb(split.mean),
            rgb(split.std),
            split.measured_images,
        );
        if let Some(counts) = &split.class_counts {
            let classes = description.class_names.iter().zip(counts);
            let classes: Vec<_> = classes.map(|(name, count)| format!("{name} {count}")).collect();
            let _ = writeln!(text, "           {}", classes.join(", "));
        }
    }
    if !description.fold_sizes.is_empty() {
        let _ = writeln!(
            text,
            "{} folds of {:?} images",
            description.fold_sizes.len(),
            description.fold_sizes
        );
    }
    text
}
