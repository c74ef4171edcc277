//! A run, the set it is measured on, and the features that its encoder gives there.

use std::path::{Path, PathBuf};

use dataset::Sheet;
use eval::{Features, FewScores, FewSettings, Protocol, Report};
use models::DeviceChoice;
use serde_json::{Map, Value, json};
use trainer::Weights;

use crate::failure::Failure;
use crate::opened::{BATCH, Opened};

/// See the module.
pub struct Measurement {
    opened: Opened,
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

impl Measurement {
    /// Opens the run in `folder`, and the set in `data` or else the run's, and extracts features.
    pub fn open(
        folder: &Path,
        data: Option<&Path>,
        weights: Weights,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        Self::of(Opened::open(folder, data, weights, device)?)
    }

    /// Extracts features.
    pub fn of(opened: Opened) -> Result<Self, Failure> {
        let frozen = &opened.frozen;
        let of_set = |error| opened.failure(error);
        let (train, test) = eval::labelled_splits(&opened.set).map_err(of_set)?;
        let extract = |split, name| {
            eval::extract_labelled(split, name, frozen.side(), BATCH, &|block| {
                frozen.encode(block)
            })
        };
        let train = extract(train, "train").map_err(of_set)?;
        let test = extract(test, "test").map_err(of_set)?;
        Ok(Self {
            opened,
            train,
            test,
        })
    }

    /// Measures by each of the protocols, with all training images and, where asked for, with few.
    pub fn by(
        &self,
        protocols: &[Protocol],
        few: Option<&FewSettings>,
    ) -> Result<Measured, Failure> {
        let (train, test) = (&self.train, &self.test);
        let Opened {
            run, frozen, set, ..
        } = &self.opened;
        let measure = |protocol: &Protocol| {
            tracing::info!("measuring by {}", protocol.name());
            let report = eval::evaluate(protocol, train, test, &set.folds)?;
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
        let findings = findings.map_err(|error| self.opened.failure(error))?;
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
        let Opened {
            run, frozen, set, ..
        } = &self.opened;
        let [epoch, step] = frozen.trained;
        let config = &frozen.record.config;
        json!({
            "run": run,
            "method": config.method.name(),
            "seed": config.seed,
            "untrained": step == 0,
            "epoch": epoch,
            "step": step,
            "weights": frozen.weights(),
            "split": "test",
            "data": {
                "path": self.opened.path,
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
        let of_set = |error| self.opened.failure(error);
        let (train, test) = eval::labelled_splits(&self.opened.set).map_err(of_set)?;
        let queries = test.evenly_spaced(rows);
        let found = eval::nearest(&self.train, &self.test, &queries, k);
        let found = found.map_err(of_set)?;
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
            report::write_confusion(file, &title, &self.class_names, counts)?;
        }
        Ok(())
    }
}
