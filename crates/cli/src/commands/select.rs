//! `twinview select`: which images to label next.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::{ConcatSplits, Split};
use eval::{Coverage, Gallery, Selection, TypicalitySettings};
use report::{ContactSheet, Frame, SheetRow};
use run::DataSource;
use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::app::labels::LabeledImages;
use crate::app::output::Output;
use crate::app::run_on_data::{BATCH, RunOnData};
use crate::app::stop_flag::{self, stop_flag};
use crate::app::words::count;
use crate::app::{table, tiles};
use crate::args::{SelectArguments, StrategyArgument};

/// Images on the sheet, at most.
const DRAWN: usize = 400;

/// Selects images, and writes them down.
pub fn run(arguments: &SelectArguments, output: &Output) -> Result<ExitCode, Failure> {
    for file in [Some(&arguments.out), arguments.sheet.as_ref()].into_iter().flatten() {
        files::check_writable(file)?;
    }
    arguments.sheet.as_deref().map(dataset::PictureFormat::of).transpose()?;
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let stop = stop_flag(stop_flag::WORKING)?;
    let (run, data) = (&arguments.run, &arguments.data);
    let run_on_data = RunOnData::list(run, data, arguments.checkpoint.choice(), device)?;
    let unlabeled = run_on_data.unlabeled()?;
    if !(1..=unlabeled.len()).contains(&arguments.n) {
        return Err(Failure::usage(format!(
            "-n: expected 1 to {}, the unlabeled images, found {}",
            unlabeled.len(),
            arguments.n
        )));
    }
    let labeled = match &arguments.labeled {
        Some(dir) => {
            let skip_bad = arguments.data.reading.skip_bad;
            let source = DataSource { paths: vec![dir.clone()], skip_bad, ..DataSource::default() };
            let image_size = run_on_data.frozen.record.config.image_size;
            Some(LabeledImages::list(&source, image_size)?)
        }
        None => LabeledImages::of_run(&run_on_data),
    };
    let run_on_data = run_on_data.load()?.cached(!arguments.no_cache);
    let labeled = labeled.map(|labeled| labeled.load(&run_on_data)).transpose()?;
    let unlabeled = run_on_data.unlabeled()?;
    let selection = select(arguments, &run_on_data, unlabeled, labeled.as_ref(), &stop)?;
    let images = ConcatSplits::new(&run_on_data.set, &["unlabeled"])?;
    let found = Selected {
        arguments,
        images,
        selection,
        labeled: labeled.map_or(0, |labeled| labeled.images().len()),
    };
    found.write_table()?;
    if let Some(sheet) = &arguments.sheet {
        found.draw(sheet)?;
    }
    output.result(&found.value(), || found.text());
    Ok(ExitCode::SUCCESS)
}

fn select(
    arguments: &SelectArguments,
    run_on_data: &RunOnData,
    unlabeled: &Split,
    labeled: Option<&LabeledImages>,
    stop: &Arc<AtomicBool>,
) -> Result<Selection, Failure> {
    let failure = |error| run_on_data.failure(error);
    let gallery = |split: &Split| {
        let progress = run_on_data.progress(stop);
        Gallery::extract(&run_on_data.frozen, &[split], BATCH, &progress).map_err(failure)
    };
    let labeled = labeled.map(|labeled| gallery(labeled.images())).transpose()?;
    let (images, labeled) = (gallery(unlabeled)?, labeled.as_ref());
    let bar = JobProgressBar::new("selecting images", stop);
    let progress = |done, of| bar.update(done, of);
    let count = arguments.n;
    let selection = match arguments.strategy {
        StrategyArgument::KCenter => images.k_center(labeled, count, &progress),
        StrategyArgument::Typicality => {
            let settings =
                TypicalitySettings { seed: arguments.seed, ..TypicalitySettings::default() };
            images.typical(labeled, count, &settings, &progress)
        }
    };
    selection.map_err(failure)
}

/// What was selected, with what it is about.
struct Selected<'a> {
    arguments: &'a SelectArguments,
    /// The unlabeled images.
    images: ConcatSplits<'a>,
    selection: Selection,
    /// Number of labeled images.
    labeled: usize,
}

impl Selected<'_> {
    /// Name of the number that each image has.
    fn quantity(&self) -> &'static str {
        match self.arguments.strategy {
            StrategyArgument::KCenter => "distance",
            StrategyArgument::Typicality => "density",
        }
    }

    fn write_table(&self) -> Result<(), Failure> {
        let by_cluster = self.arguments.strategy == StrategyArgument::Typicality;
        let mut header = vec!["rank".to_owned(), "path".to_owned(), self.quantity().to_owned()];
        if by_cluster {
            header.push("cluster".to_owned());
        }
        let rows = (1..).zip(&self.selection.picks).map(|(rank, pick): (usize, _)| {
            let value = pick.value.map_or(String::new(), |value| format!("{value:.6}"));
            let cluster = pick.cluster.map(|cluster| (cluster + 1).to_string());
            let fields = [rank.to_string(), self.images.record(pick.row).to_string(), value];
            fields.into_iter().chain(cluster).collect()
        });
        table::write(&self.arguments.out, &header, rows)
    }

    fn draw(&self, sheet: &Path) -> Result<(), Failure> {
        let tiles: Vec<_> = (1..)
            .zip(self.selection.picks.iter().take(DRAWN))
            .map(|(rank, pick): (usize, _)| {
                let value = pick.value.map_or(String::new(), |value| format!(": {value:.3}"));
                tiles::tile(&self.images, pick.row, &[format!("{rank}{value}")], Frame::Plain)
            })
            .collect();
        let quantity = match self.arguments.strategy {
            StrategyArgument::KCenter => {
                "cosine distance to the nearest labeled or earlier selected image"
            }
            StrategyArgument::Typicality => "density (mean cosine to the nearest of their cluster)",
        };
        let title = format!("{} to label, with their {quantity}.", count(tiles.len(), "image"));
        let rows = vec![SheetRow { query: None, tiles }];
        let drawn = ContactSheet { title, columns: tiles::COLUMNS, rows };
        Ok(dataset::save_picture(&drawn.image(), sheet)?)
    }

    fn value(&self) -> Value {
        let picks = (1..).zip(&self.selection.picks).map(|(rank, pick): (usize, _)| {
            json!({
                "rank": rank,
                "path": self.images.record(pick.row).to_string(),
                self.quantity(): pick.value,
                "cluster": pick.cluster.map(|cluster| cluster + 1),
            })
        });
        let Coverage { before, after } = self.selection.coverage;
        json!({
            "out": self.arguments.out,
            "sheet": self.arguments.sheet,
            "images": self.images.len(),
            "labeled_images": self.labeled,
            "copies": self.selection.copies,
            "radius_before": before,
            "radius_after": after,
            "selected": picks.collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let Coverage { before, after } = self.selection.coverage;
        let radius = match before {
            Some(before) => format!("{before:.4} before, {after:.4} after"),
            None => format!("{after:.4}"),
        };
        let copies = match self.selection.copies {
            0 => String::new(),
            1 => "; 1 copy of a labeled image left out".to_owned(),
            copies => format!("; {copies} copies of labeled images left out"),
        };
        format!(
            "{}: {} of {} images to label, {} labeled{copies}\n\
             coverage radius (cosine distance to the nearest labeled or selected image): \
             {radius}",
            self.arguments.out.display(),
            self.selection.picks.len(),
            self.images.len(),
            if self.labeled == 1 { "1 is".to_owned() } else { format!("{} are", self.labeled) },
        )
    }
}
