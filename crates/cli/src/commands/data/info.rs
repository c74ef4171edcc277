//! `twinview data info`: what a data set is, and what its files are.

use std::fmt::Write;
use std::path::Path;

use dataset::{Description, FileSurvey, SplitDescription};
use run::DataSource;
use serde::Serialize;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::presets::Preset;
use crate::app::words::count;

/// Columns and rows of thumbnails.
const SHEET: [usize; 2] = [16, 8];
/// Below this number of images, weights that were trained on others are the better start.
const FEW: usize = 1_000;
/// From this number on the preset for a CPU sees each image once or twice.
const MANY: usize = 100_000;
/// Kinds of unused files that are listed.
const KINDS: usize = 8;

/// What is printed as JSON.
#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    description: &'a Description,
    /// None for binaries.
    files: Option<&'a FileSurvey>,
    advice: Vec<String>,
}

/// Describes the set of `source`.
pub fn run(
    source: &DataSource,
    image_size: usize,
    sheet: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    if let Some(path) = sheet {
        dataset::PictureFormat::of(path)?;
        files::check_writable(path)?;
    }
    let listed = datasets::list(source, image_size)?;
    let set = listed.open()?;
    if let Some(path) = sheet {
        let [across, down] = SHEET;
        dataset::save_picture(&dataset::contact_sheet(&set.unlabeled, across, down), path)?;
    }
    let (description, files) = (dataset::describe(&set), listed.survey());
    let info =
        Info { advice: advice(&description), description: &description, files: files.as_ref() };
    output.result(&info, || text(&datasets::place(source), &info));
    Ok(())
}

fn text(place: &str, info: &Info<'_>) -> String {
    let description = info.description;
    let mut text = format!(
        "{place}: {}, {} x {} pixels, {}, fingerprint {}\n",
        description.kind,
        description.width,
        description.height,
        count(description.class_names.len(), "class"),
        description.fingerprint,
    );
    for split in &description.splits {
        let rgb = |values: [f64; 3]| values.map(|value| format!("{value:.3}")).join(" ");
        let note = if split.same_as_train { " (those of train)" } else { "" };
        let _ = writeln!(
            text,
            "{:<10} {:>7} {}{note}   mean {}   std {}   (RGB, of {})",
            split.name,
            split.images,
            if split.images == 1 { "image " } else { "images" },
            rgb(split.mean),
            rgb(split.std),
            count(split.measured_images, "image"),
        );
        if let Some(counts) = &split.class_counts {
            let classes = description.class_names.iter().zip(counts);
            let classes: Vec<_> = classes.map(|(name, count)| format!("{name} {count}")).collect();
            let _ = writeln!(text, "           {}", classes.join(", "));
            text += &balance(counts);
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
    if let Some(files) = info.files {
        text += &files_text(files);
    }
    for line in &info.advice {
        let _ = writeln!(text, "advice     {line}");
    }
    text
}

/// How many images the classes have, where there are several.
fn balance(counts: &[usize]) -> String {
    let there = counts.iter().copied().filter(|&count| count > 0);
    let (Some(least), Some(most)) = (there.clone().min(), there.clone().max()) else {
        return String::new();
    };
    let classes = there.count();
    if classes < 2 {
        return String::new();
    }
    if least == most {
        return format!("           {} a class\n", count(least, "image"));
    }
    let mean = counts.iter().sum::<usize>() as f64 / classes as f64;
    let ratio = most as f64 / least as f64;
    format!("           {least} to {most} images a class, {mean:.1} in the mean, {ratio:.1} to 1\n")
}

/// What the files are, a line each.
fn files_text(files: &FileSurvey) -> String {
    let mut formats: Vec<(&&str, &usize)> = files.formats.iter().collect();
    formats.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), **name));
    let formats: Vec<String> =
        formats.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let mut text = format!("files      {}", formats.join(", "));
    if let (Some(smallest), Some(median), Some(largest)) =
        (files.smallest, files.median, files.largest)
    {
        let size = |[width, height]: [u32; 2]| format!("{width} x {height}");
        let _ = write!(
            text,
            "; smallest {}, median {}, largest {} pixels",
            size(smallest),
            size(median),
            size(largest)
        );
    }
    text.push('\n');
    if files.half_cropped > 0 {
        let lose = if files.half_cropped == 1 { "loses" } else { "lose" };
        let _ = writeln!(
            text,
            "cropped    {} {lose} more than half of the area to the square crop",
            count(files.half_cropped, "image")
        );
    }
    let copies = &files.copies;
    if let Some([first, second]) = &copies.example {
        let _ = writeln!(
            text,
            "copies     {} of files with the same content, {} too many, such as {second} of {first}",
            count(copies.groups, "group"),
            copies.files
        );
    }
    if let Some([test, other]) = &copies.test_example {
        let _ = writeln!(
            text,
            "           {} also to train on, such as {test} as {other}: scores flatter",
            match copies.test_images {
                1 => "1 test image is there".to_owned(),
                images => format!("{images} test images are there"),
            },
        );
    }
    let unused = files.unused.iter().take(KINDS).map(|unused| match unused.kind.as_str() {
        "folder" => unused.example.clone(),
        kind => {
            let kind = if kind.is_empty() { "no ending".to_owned() } else { format!(".{kind}") };
            format!("{} with {kind} ({})", count(unused.count, "file"), unused.example)
        }
    });
    let mut unused: Vec<String> = unused.collect();
    if let more @ 1.. = files.unused.len().saturating_sub(KINDS) {
        unused.push(format!("{more} more kinds"));
    }
    if !unused.is_empty() {
        let _ = writeln!(text, "not used   {}", unused.join(", "));
    }
    text
}

/// What to do with a set of this size and these labels, in a line or two.
fn advice(description: &Description) -> Vec<String> {
    let split = |name: &str| description.splits.iter().find(|split| split.name == name);
    let images = |split: Option<&SplitDescription>| split.map_or(0, |split| split.images);
    let unlabeled = split("unlabeled").filter(|split| !split.same_as_train);
    let all = images(unlabeled) + images(split("train"));
    let epochs = Preset::Cpu.epochs(all).unwrap_or(1);
    let mut advice = vec![match all {
        ..FEW => format!(
            "{} to train on are few: begin with trained weights if there are some \
             (pretrain --init-weights), and compare with evaluate --checkpoint initial",
            count(all, "image")
        ),
        MANY.. => format!(
            "{all} images to train on: pretrain --preset gpu; the preset cpu shows each {} only",
            count(epochs, "time")
        ),
        _ => format!(
            "{all} images to train on: on a CPU the preset cpu shows each {epochs} times, which \
             takes about half an hour on two cores; on a GPU the preset gpu is used"
        ),
    }];
    if split("train").is_none() {
        advice.push(
            "no labels, so no accuracies are measured: label some images (--labels FILE.csv, or \
             folders train/CLASS)"
                .to_owned(),
        );
    } else if split("test").is_none() {
        advice.push(
            "no test split: accuracies are measured on held-out training images and over folds"
                .to_owned(),
        );
    }
    advice
}
