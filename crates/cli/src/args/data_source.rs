//! Arguments that say where images are read from.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use run::DataSource;

/// The data set of a command.
#[derive(Clone, Debug, Default, Args)]
pub struct DataArguments {
    /// Data set: a folder or an archive of images, or STL-10 or CIFAR-10 binaries; repeated,
    /// several are one set [default: that of the run; without a run data/stl10_binary, or a
    /// synthetic set if there is none].
    #[arg(long, value_name = "DIR")]
    pub data: Vec<PathBuf>,
    /// How it is read.
    #[command(flatten)]
    pub reading: ReadingArguments,
}

/// How a data set is read.
#[derive(Clone, Debug, Default, Args)]
pub struct ReadingArguments {
    /// Labels of a folder of images: a CSV file with the columns path, label and, if need be,
    /// split; or auto, folders (each is a class) or none [default: auto, class folders where there
    /// are such].
    #[arg(long, value_name = "FILE|auto|folders|none", value_hint = ValueHint::FilePath)]
    pub labels: Option<String>,
    /// Skip and list unreadable images instead of rejecting the data set.
    #[arg(long)]
    pub skip_bad: bool,
}

impl DataArguments {
    /// The source that is asked for. Without another set it is `run`, the source of a run, with the
    /// labels that are asked for.
    pub fn source(&self, run: &DataSource) -> DataSource {
        match self.data.as_slice() {
            [] => {
                let labels = self.reading.labels.clone().unwrap_or_else(|| run.labels.clone());
                let skip_bad = self.reading.skip_bad || run.skip_bad;
                DataSource { paths: run.paths.clone(), labels, skip_bad }
            }
            paths => self.reading.source(paths),
        }
    }
}

impl ReadingArguments {
    /// The set in `paths`, read as these arguments say.
    pub fn source(&self, paths: &[impl AsRef<Path>]) -> DataSource {
        let paths = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        let default = DataSource::default();
        let labels = self.labels.clone().unwrap_or(default.labels);
        DataSource { paths, labels, skip_bad: self.skip_bad }
    }
}
