//! `twinview data`.

mod cache;
mod info;

use std::path::Path;
use std::process::ExitCode;

use dataset::{SyntheticSpec, WriteOptions};
use run::DataSource;
use serde_json::json;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::stop_flag::{self, stop_flag};
use crate::app::words;
use crate::args::DataCommand;

/// Runs one of the commands.
pub fn run(command: &DataCommand, output: &Output) -> Result<ExitCode, Failure> {
    match command {
        DataCommand::Info { dirs, reading, image_size, sheet } => {
            info::run(&reading.source(dirs), *image_size, sheet.as_deref(), output)?
        }
        DataCommand::Pack { dirs, reading, image_size, out } => {
            files::check_new_folder(out).map_err(dataset::Error::from)?;
            let listed = datasets::list(&reading.source(dirs), *image_size)?;
            let (set, skipped) = listed.open_skipping()?;
            let stop = stop_flag(stop_flag::WORKING)?;
            let options =
                WriteOptions { image_size: Some(*image_size), progress: &datasets::bar(&stop) };
            dataset::write_stl10(&set, out, &options)?;
            written(out, &skipped, output)?;
        }
        DataCommand::Cache { clear, older_than } => {
            cache::run(clear.as_ref().map(Option::as_deref), *older_than, output)?;
        }
        &DataCommand::Synth { ref out, unlabeled, train, test, image_size, seed } => {
            let spec = SyntheticSpec { unlabeled, train, test, size: image_size, seed };
            let stop = stop_flag(stop_flag::WORKING)?;
            dataset::write_synthetic(&spec, out, &datasets::bar(&stop))?;
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
