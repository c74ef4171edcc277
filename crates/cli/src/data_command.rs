//! `twinview data`.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use dataset::{Description, SyntheticSpec, WriteOptions};
use serde_json::json;

use crate::args::DataCommand;
use crate::data;
use crate::failure::Failure;
use crate::output::Output;

/// Thumbnails of a sheet: across and down.
const SHEET: [usize; 2] = [16, 8];

/// Runs one of the commands.
pub fn run(command: &DataCommand, output: &Output) -> Result<ExitCode, Failure> {
    match command {
        DataCommand::Info { dir, size, sheet } => info(dir, *size, sheet.as_deref(), output)?,
        DataCommand::Pack { dir, size, out, skip_bad } => {
            let (set, skipped) = if *skip_bad {
                data::open_what_can_be_used(dir, *size)?
            } else {
                (data::open(dir, *size)?, Vec::new())
            };
            let options = WriteOptions { image_size: Some(*size), progress: &data::bar() };
            dataset::write_stl10(&set, out, &options)?;
            written(out, &skipped, output)?;
        }
        &DataCommand::Synth { ref out, unlabeled, train, test, size, seed } => {
            let spec = SyntheticSpec { unlabeled, train, test, size, seed };
            dataset::write_synthetic(&spec, out, &data::bar())?;
            written(out, &[], output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what was written, by reading it back, and what was left out.
fn written(out: &Path, skipped: &[String], output: &Output) -> Result<(), Failure> {
    let set = data::open(out, 0)?;
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
            count => format!(", {count} files left out"),
        };
        format!(
            "{}: {unlabeled} unlabeled, {train} train, {test} test images{skipped}",
            out.display()
        )
    });
    Ok(())
}

fn info(dir: &Path, size: usize, sheet: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let set = data::open(dir, size)?;
    if let Some(path) = sheet {
        let [across, down] = SHEET;
        dataset::save_png(&dataset::contact_sheet(&set.unlabeled, across, down), path)?;
    }
    let description = dataset::describe(&set);
    output.result(&description, || text(dir, &description));
    Ok(())
}

fn text(dir: &Path, description: &Description) -> String {
    let mut text = format!(
        "{}: {}, {} x {} pixels, {} classes, fingerprint {}\n",
        dir.display(),
        description.kind,
        description.width,
        description.height,
        description.class_names.len(),
        description.fingerprint,
    );
    for split in &description.splits {
        let rgb = |values: [f64; 3]| values.map(|value| format!("{value:.3}")).join(" ");
        let note = if split.same_as_train { " (those of train)" } else { "" };
        let _ = writeln!(
            text,
            "{:<10} {:>7} images{note}   mean {}   std {}   (RGB, of {} images)",
            split.name,
            split.images,
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
