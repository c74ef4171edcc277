//! One run folder, finished or not.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::evaluation;
use crate::{Epoch, Error, Evaluation, history};

/// A run, as its folder tells it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The folder.
    pub folder: PathBuf,
    /// Name of the method: the key in `config.method`.
    pub method: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// Epochs that it was asked for.
    pub epochs: u32,
    /// Kind of numbers in the networks.
    pub precision: String,
    /// Every setting, as in `config.json`.
    pub settings: Value,
    /// Version of the program.
    pub version: String,
    /// Source revision that it was built from.
    pub revision: String,
    /// The device, as it was found.
    pub device: String,
    /// Threads of libtorch and threads that make views.
    pub threads: [usize; 2],
    /// The data.
    pub data: Data,
    /// What a batch is made of.
    pub batch: Batch,
    /// Seconds since 1970 at which it began, where a TensorBoard file tells.
    pub started: Option<u64>,
    /// The epochs done, in order.
    pub history: Vec<Epoch>,
    /// What it came to; `None` while it is unfinished.
    pub summary: Option<Summary>,
    /// Scores of its encoder, where it has been evaluated.
    pub evaluation: Option<Evaluation>,
}

/// The data of a run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Data {
    /// Where it was read from; `None` for the built-in procedural set.
    pub path: Option<PathBuf>,
    /// What kind of source it is.
    pub kind: String,
    /// A hash over its sizes, labels and a sample of its pixels.
    pub fingerprint: String,
    /// Side of the images in pixels.
    pub image_size: usize,
    /// Images to pretrain on, labeled training images, test images.
    pub images: [usize; 3],
    /// Names of the classes.
    pub class_names: Vec<String>,
}

impl Data {
    /// The name of its folder, or its kind where it has none.
    pub fn name(&self) -> String {
        let folder = self.path.as_ref().and_then(|path| path.file_name());
        folder.map_or_else(|| self.kind.clone(), |name| name.to_string_lossy().into_owned())
    }
}

/// What a batch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Batch {
    /// Unlabeled images.
    pub unlabeled: usize,
    /// Labeled images.
    pub labeled: usize,
    /// Batches an epoch.
    pub steps_per_epoch: u32,
}

/// What a finished run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Summary {
    /// Steps done.
    pub steps: u64,
    /// Epochs done.
    pub epochs: u32,
    /// Seconds of training.
    pub train_secs: Option<f64>,
    /// Images a second while training.
    pub images_per_sec: Option<f64>,
    /// The most memory it held at once, in bytes.
    pub peak_memory_bytes: Option<f64>,
}

#[derive(Deserialize)]
struct Record {
    version: String,
    revision: String,
    device: String,
    threads: [usize; 2],
    data: Data,
    batch: Batch,
    config: Value,
}

#[derive(Deserialize)]
struct Settings {
    seed: u64,
    method: serde_json::Map<String, Value>,
    train: Train,
}

#[derive(Deserialize)]
struct Train {
    epochs: u32,
    precision: String,
}

impl Run {
    /// Reads the run in `folder`. Only `config.json` must be there.
    ///
    /// # Errors
    /// [`Error::NoRun`] where there is none, [`Error::Content`] where a file can't be understood,
    /// [`Error::Io`].
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let record: Record = json(&path, "the record of a run")?.ok_or_else(|| Error::NoRun {
            path: folder.to_owned(),
            found: if folder.is_dir() {
                "a folder without config.json".to_owned()
            } else {
                "no such folder".to_owned()
            },
        })?;
        let Settings { seed, method, train } = Settings::deserialize(&record.config)
            .map_err(Error::content(&path, None, "the settings of a run"))?;
        let mut names = method.into_iter().map(|(name, _)| name);
        let (Some(method), None) = (names.next(), names.next()) else {
            return Err(Error::content(&path, None, "one method in config.method")(
                "none or several",
            ));
        };
        // A method that another program brought along has its name among its settings.
        let own = &record.config["method"]["own"]["name"];
        let method = own.as_str().map_or(method, str::to_owned);
        let scores = folder.join("evaluation.json");
        let evaluation = json(&scores, evaluation::EXPECTED)?
            .map(|document| Evaluation::new(&scores, document))
            .transpose()?;
        Ok(Self {
            folder: folder.to_owned(),
            method,
            seed,
            epochs: train.epochs,
            precision: train.precision,
            settings: record.config,
            version: record.version,
            revision: record.revision,
            device: record.device,
            threads: record.threads,
            data: record.data,
            batch: record.batch,
            started: started(folder),
            history: history::read(&folder.join("metrics.jsonl"))?,
            summary: json(&folder.join("summary.json"), "the summary of a run")?,
            evaluation,
        })
    }

    /// Whether it has run to its end.
    pub fn finished(&self) -> bool {
        self.summary.is_some()
    }

    /// How far it is, such as "unfinished: 3 of 10 epochs done".
    pub(crate) fn state(&self) -> String {
        let done = self.last().map_or(0, |epoch| epoch.epoch);
        if self.finished() {
            let plural = if done == 1 { "" } else { "s" };
            format!("finished after {done} epoch{plural}")
        } else {
            format!("unfinished: {done} of {} epochs done", self.epochs)
        }
    }

    /// The last epoch done.
    pub fn last(&self) -> Option<&Epoch> {
        self.history.last()
    }

    /// The first of the epochs at which the probe was best on the test split.
    pub fn best(&self) -> Option<&Epoch> {
        let measured = self.history.iter().filter(|epoch| epoch.test_p_acc.is_some());
        measured.reduce(|best, epoch| if epoch.test_p_acc > best.test_p_acc { epoch } else { best })
    }

    /// Images a second over the whole of training.
    pub fn images_per_sec(&self) -> Option<f64> {
        if let Some(speed) = self.summary.and_then(|summary| summary.images_per_sec) {
            return Some(speed);
        }
        let timed = self.history.iter().filter_map(|epoch| {
            let secs = epoch.train_secs?;
            Some((epoch.images_per_sec? * secs, secs))
        });
        let (images, secs) =
            timed.fold((0.0, 0.0), |sum, epoch| (sum.0 + epoch.0, sum.1 + epoch.1));
        (secs > 0.0).then(|| images / secs)
    }

    /// Seconds that its epochs took: training, and measuring after each epoch.
    pub fn wall_secs(&self) -> Option<f64> {
        let secs = self
            .history
            .iter()
            .map(|epoch| Some(epoch.train_secs? + epoch.eval_secs.unwrap_or(0.0)));
        secs.sum::<Option<f64>>().filter(|_| !self.history.is_empty())
    }
}

/// The content of the JSON file at `path`; `None` where there is no file.
pub(crate) fn json<T: DeserializeOwned>(
    path: &Path,
    expected: &'static str,
) -> Result<Option<T>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Error::io(path, "read it")(error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(Error::content(path, None, expected))
}

/// The time in the name of the first TensorBoard file: it survives copying, unlike a file's own
/// time.
fn started(folder: &Path) -> Option<u64> {
    let files = fs::read_dir(folder).ok()?;
    files
        .filter_map(|file| {
            let name = file.ok()?.file_name().into_string().ok()?;
            let rest = name.strip_prefix("events.out.tfevents.")?;
            rest.split('.').next()?.parse().ok()
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_finished_run_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 3, &[0.2, 0.5, 0.4]);
        fs::write(path.join("events.out.tfevents.1700000000.1"), "").unwrap();
        fs::write(path.join("events.out.tfevents.1600000000.2"), "").unwrap();
        let run = Run::read(&path).unwrap();
        assert_eq!((run.method.as_str(), run.seed, run.epochs), ("simclr", 3, 3));
        assert_eq!((run.data.name(), run.precision.as_str()), ("photos".to_owned(), "bf16"));
        assert_eq!((run.started, run.finished()), (Some(1_600_000_000), true));
        assert_eq!(run.last().unwrap().epoch, 3);
        assert_eq!(run.best().unwrap().epoch, 2);
        assert_eq!(run.wall_secs(), Some(3.0 * 12.0));
        assert_eq!(run.images_per_sec(), Some(80.0));
        let evaluation = run.evaluation.unwrap();
        assert_eq!((evaluation.linear, evaluation.knn), (Some(0.5), None));
        assert_eq!(run.settings["projection"]["output"], 128);
    }

    #[test]
    fn an_unfinished_run_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::unfinished(folder.path(), "dino", 0, &[0.25, 0.25]);
        let run = Run::read(&path).unwrap();
        assert!(!run.finished() && run.evaluation.is_none());
        assert_eq!(run.best().unwrap().epoch, 1);
        // 2 epochs of 10 s at 64 images a second.
        assert_eq!(run.images_per_sec(), Some(64.0));
        let begun = Run::read(&sample::unfinished(folder.path(), "dino", 1, &[])).unwrap();
        assert_eq!((begun.last(), begun.wall_secs(), begun.images_per_sec()), (None, None, None));
    }

    #[test]
    fn a_folder_without_a_record_is_no_run() {
        let folder = tempfile::tempdir().unwrap();
        let error = Run::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("found a folder without config.json"), "{error}");
        let absent = Run::read(&folder.path().join("absent")).unwrap_err();
        assert!(matches!(absent, Error::NoRun { .. }));
    }

    #[test]
    fn damage_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in [
            ("config.json", "{"),
            ("config.json", "{\"version\":1}"),
            ("summary.json", "[]"),
            ("evaluation.json", "{\"protocols\":{\"knn\":{\"accuracy\":\"high\"}}}"),
        ] {
            let path = sample::finished(folder.path(), "simclr", 0, &[0.5]);
            fs::write(path.join(file), content).unwrap();
            let error = Run::read(&path).unwrap_err();
            assert!(matches!(error, Error::Content { .. }), "{error}");
            assert!(error.to_string().contains(file), "{error}");
        }
    }

    #[test]
    fn a_method_of_another_program_has_the_name_that_it_gave() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::unfinished(folder.path(), "simclr", 0, &[]);
        let file = path.join("config.json");
        let text = fs::read_to_string(&file).unwrap();
        let own = text.replace("\"simclr\":{", "\"own\":{\"name\":\"mine\",");
        fs::write(&file, own).unwrap();
        assert_eq!(Run::read(&path).unwrap().method, "mine");
    }

    #[test]
    fn a_run_has_one_method() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::unfinished(folder.path(), "simclr", 0, &[]);
        let text = fs::read_to_string(path.join("config.json")).unwrap();
        fs::write(path.join("config.json"), text.replace("\"simclr\"", "\"x\":{},\"simclr\""))
            .unwrap();
        let error = Run::read(&path).unwrap_err();
        assert!(error.to_string().contains("expected one method"), "{error}");
    }
}
