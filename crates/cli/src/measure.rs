//! A run, the set it is measured on, and the features that its encoder gives there.

use std::path::{Path, PathBuf};

use dataset::{Dataset, Sheet, Split};
use eval::{Features, FewScores, FewSettings, Protocol, Report};
use models::DeviceChoice;
use report::Confusion;
use serde_json::{Map, Value, json};
use trainer::{Frozen, Weights};

use crate::data;
use crate::failure::Failure;

/// Images in a forward pass.
const BATCH: usize = 256;

/// A run's encoder and the set to measure it on, before anything is computed.
pub struct Subject {
    /// The run folder, as it was given.
    pub run: PathBuf,
    /// The encoder.
    pub frozen: Frozen,
    /// The set, with labels in both splits.
    pub set: Dataset,
    /// Where the set was read from, from the root; `None` for the built-in one.
    path: Option<PathBuf>,
    place: String,
}

/// See the module.
pub struct Measurement {
    subject: Subject,
    train: Features,
    test: Features,
}

/// What was found by one protocol.
pub struct Finding {
    /// The protocol's name.
    pub name: &'static str,
    /// Its settings, as JSON.
    pub settings: Value,
    /// With all training images.
    pub report: Report,
    /// With few of them.
    pub few: Vec<FewScores>,
}

/// What was found of a run by all protocols.
pub struct Measured {
    /// The run folder, as it was given.
    pub run: PathBuf,
    /// The seed that it was trained with.
    pub seed: u64,
    /// Finished epochs and steps.
    pub trained: [u64; 2],
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// One a protocol.
    pub findings: Vec<Finding>,
    /// All that it takes to measure it again, as JSON.
    pub document: Value,
}

impl Subject {
    /// Opens the run in `folder`, and the set in `data` or else the run's.
    pub fn open(
        folder: &Path,
        data: Option<&Path>,
        weights: Weights,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        let frozen = Frozen::open(folder, weights, device)?;
        let path = data.or(frozen.record.data.path.as_deref());
        let set = match path {
            Some(path) => data::open(path, frozen.record.config.image_size)?,
            None => data::built_in()?,
        };
        let place = path.map_or("the built-in set".to_owned(), |path| {
            path.display().to_string()
        });
        let path = path.map(|path| std::path::absolute(path).unwrap_or(path.to_owned()));
        let subject = Self {
            run: folder.to_owned(),
            frozen,
            set,
            path,
            place,
        };
        subject.splits()?;
        Ok(subject)
    }

    /// The train and the test split.
    fn splits(&self) -> Result<(&Split, &Split), Failure> {
        eval::labelled_splits(&self.set).map_err(|error| self.failure(error))
    }

    /// Refuses draws that the training images don't allow.
    pub fn check(&self, few: &FewSettings) -> Result<(), Failure> {
        let labels = self.splits()?.0.labels().unwrap_or_default();
        let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
        few.check(&labels).map_err(|error| self.failure(error))
    }

    /// Refuses to draw a matrix of more classes than it is kept of.
    pub fn check_confusion(&self) -> Result<(), Failure> {
        let (train, test) = self.splits()?;
        let largest = |split: &Split| split.labels()?.iter().max().copied();
        let classes = largest(train).max(largest(test)).map_or(0, usize::from) + 1;
        if classes > eval::MOST_CONFUSED {
            let (place, most) = (&self.place, eval::MOST_CONFUSED);
            return Err(Failure::usage(format!(
                "{place}: --confusion: expected at most {most} classes, found {classes}"
            )));
        }
        Ok(())
    }

    fn failure(&self, error: eval::Error) -> Failure {
        let name = match &error {
            eval::Error::TooFewOfClass { class, .. } => self.set.class_names.get(*class),
            _ => None,
        };
        let name = name.map_or(String::new(), |name| format!(" ({name})"));
        Failure::usage(format!("{}: {error}{name}", self.place))
    }

    /// Extracts features.
    pub fn measure(self) -> Result<Measurement, Failure> {
        let (train, test) = self.splits()?;
        let extract = |split, name| {
            eval::extract_labelled(split, name, self.frozen.side(), BATCH, &|block| {
                self.frozen.encode(block)
            })
            .map_err(|error| self.failure(error))
        };
        let (train, test) = (extract(train, "train")?, extract(test, "test")?);
        Ok(Measurement {
            subject: self,
            train,
            test,
        })
    }
}

impl Measurement {
    /// [`Subject::open`] and [`Subject::measure`] in one.
    pub fn open(
        folder: &Path,
        data: Option<&Path>,
        weights: Weights,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        Subject::open(folder, data, weights, device)?.measure()
    }

    /// Measures by each of the protocols, with all training images and, where asked for, with few.
    pub fn by(
        &self,
        protocols: &[Protocol],
        few: Option<&FewSettings>,
    ) -> Result<Measured, Failure> {
        let (train, test) = (&self.train, &self.test);
        let measure = |protocol: &Protocol| {
            tracing::info!("measuring by {}", protocol.name());
            let report = eval::evaluate(protocol, train, test, &self.subject.set.folds)?;
            let few = few.map(|few| eval::few_labels(protocol, train, test, few));
            let settings = serde_json::to_value(protocol).expect("settings are valid JSON");
            Ok(Finding {
                name: protocol.name(),
                settings: settings[protocol.name()].clone(),
                report,
                few: few.transpose()?.unwrap_or_default(),
            })
        };
        let findings: Result<Vec<_>, eval::Error> = protocols.iter().map(measure).collect();
        let findings = findings.map_err(|error| self.subject.failure(error))?;
        let Subject {
            run, frozen, set, ..
        } = &self.subject;
        Ok(Measured {
            run: run.clone(),
            seed: frozen.record.config.seed,
            trained: frozen.trained,
            class_names: set.class_names.clone(),
            document: self.document(&findings),
            findings,
        })
    }

    /// What was measured and with what.
    fn document(&self, findings: &[Finding]) -> Value {
        let protocols: Map<String, Value> = findings
            .iter()
            .map(|finding| (finding.name.to_owned(), finding.document()))
            .collect();
        let Subject { frozen, set, .. } = &self.subject;
        let [epoch, step] = frozen.trained;
        let record = &frozen.record;
        json!({
            "run": self.subject.run,
            "method": record.config.method.name(),
            "seed": record.config.seed,
            "untrained": step == 0,
            "epoch": epoch,
            "step": step,
            "weights": frozen.weights(),
            "split": "test",
            "data": {
                "path": self.subject.path,
                "kind": set.kind,
                "fingerprint": set.fingerprint(),
                "images": {"train": self.train.len(), "test": self.test.len()},
                "folds": set.folds.len(),
                "class_names": set.class_names,
            },
            "version": env!("CARGO_PKG_VERSION"),
            "revision": env!("TWINVIEW_REVISION"),
            "device": frozen.device,
            "threads": frozen.threads,
            "protocols": protocols,
        })
    }

    /// A sheet of up to `rows` evenly spaced test images, one a row, each followed by its `k` nearest
    /// training images.
    pub fn neighbors(&self, rows: usize, k: usize) -> Result<Sheet, Failure> {
        let (train, test) = self.subject.splits()?;
        let queries = test.evenly_spaced(rows);
        let found = eval::nearest(&self.train, &self.test, &queries, k);
        let found = found.map_err(|error| self.subject.failure(error))?;
        let (width, height) = (
            train.width().max(test.width()),
            train.height().max(test.height()),
        );
        let mut sheet = Sheet::new(1 + k, queries.len(), width, height);
        let mut scratch = Vec::new();
        for (row, (query, nearest)) in queries.iter().zip(&found).enumerate() {
            let planes = test.image(*query).row_major(&mut scratch);
            sheet.place([0, row], planes, test.width(), test.height());
            for (column, &index) in nearest.iter().enumerate() {
                let planes = train.image(index).row_major(&mut scratch);
                sheet.place([column + 1, row], planes, train.width(), train.height());
            }
        }
        Ok(sheet)
    }
}

impl Finding {
    /// The report, as JSON.
    fn document(&self) -> Value {
        let report = serde_json::to_value(&self.report).expect("a report is valid JSON");
        let mut report = report[self.name].clone();
        report["accuracy"] = json!(self.report.accuracy());
        report["settings"] = self.settings.clone();
        if !self.few.is_empty() {
            report["few_labels"] = json!(self.few);
        }
        report
    }
}

impl Measured {
    /// Draws the matrix of what the first protocol takes for what, where there is one, as a PNG.
    pub fn draw_confusion(&self, file: &Path) -> Result<(), Failure> {
        let Some(finding) = self.findings.first() else {
            return Ok(());
        };
        let (score, [epoch, _]) = (finding.report.test(), self.trained);
        let title = format!(
            "{}, epoch {epoch}, {}: {:.2} % of {} test images",
            self.run.display(),
            finding.name,
            100.0 * score.accuracy,
            score.total
        );
        if let Some(counts) = &score.confusion {
            let confusion = Confusion {
                title: &title,
                class_names: &self.class_names,
                counts,
            };
            report::write_confusion(file, &confusion)?;
        }
        Ok(())
    }
}
