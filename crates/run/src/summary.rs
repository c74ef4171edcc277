//! `summary.json`.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, History, file, number};

/// `summary.json`: the result of a finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The run folder, as it was given.
    pub run: PathBuf,
    /// Version of the program.
    pub version: String,
    /// Source revision that the program was built from.
    pub revision: String,
    /// The device.
    pub device: String,
    /// Steps done.
    pub steps: u64,
    /// Epochs done.
    pub epochs: u32,
    /// Seconds of training, over all processes that trained the run.
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub train_secs: f64,
    /// The most memory that the process held at once, in bytes; null where the system doesn't tell.
    pub peak_memory_bytes: Option<u64>,
    /// The most memory that tensors on the GPU had at once, in bytes; null on a CPU.
    #[serde(default)]
    pub peak_gpu_memory_bytes: Option<u64>,
    /// Images per second of training.
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub images_per_sec: f64,
    /// Whether `train.patience` ended the run before its last step.
    pub stopped_early: bool,
    /// The last epoch and the best one.
    #[serde(flatten)]
    pub history: History,
}

impl Summary {
    /// Reads `summary.json` of the run in `folder`; `None` for a run that is not finished.
    ///
    /// # Errors
    /// [`Error::Content`] for a file that can't be parsed, [`Error::Io`].
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        read(&folder.join(file::SUMMARY), "the summary of a run")
    }
}

/// The content of the JSON file at `path`; `None` where there is no file.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    expected: &'static str,
) -> Result<Option<T>, Error> {
    match files::if_exists(files::read(path))? {
        Some(bytes) => {
            let found = serde_json::from_slice(&bytes);
            found.map(Some).map_err(Error::content(path, None, expected))
        }
        None => Ok(None),
    }
}
