//! A run, the set it is measured on, and the features that its encoder gives there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dataset::{Sheet, Split};
use eval::{Features, FewScores, FewSettings, OnSubset, Protocol, Report};
use models::DeviceChoice;
use run::{EvaluationData, EvaluationImages, EvaluationRecord, ProtocolRecord};
use serde_json::{Value, json};
use trainer::{CheckpointChoice, ClassifierSettings};

use crate::failure::Failure;
use crate::run_on_data::{BATCH, RunOnData};
use crate::watch::Watch;

/// See the module.
pub struct Measurement {
    run_on_data: RunOnData,
    train: Features,
    test: Features,
}

/// A protocol with its settings.
#[derive(Clone, Debug)]
pub enum Way {
    /// On features that are computed once.
    Features(Protocol),
    /// See [`trainer::sgd`].
    Sgd(ClassifierSettings),
    /// See [`trainer::finetune`].
    Finetune(ClassifierSettings),
}

/// What was found by one protocol.
pub struct ProtocolResult {
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
    /// The file that its weights began from, where there was one.
    pub init: Option<PathBuf>,
    /// Finished epochs and steps.
    pub trained: [u64; 2],
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// One a protocol.
    pub findings: Vec<ProtocolResult>,
    /// All that it takes to measure it again.
    pub record: EvaluationRecord,
}

impl Measurement {
    /// Opens the run in `folder`, and the set in `data` or else the run's, and extracts features.
    pub fn open(
        folder: &Path,
        data: Option<&Path>,
        weights: CheckpointChoice,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        Self::of(RunOnData::open(folder, data, weights, device)?)
    }

    /// Extracts features.
    pub fn of(run_on_data: RunOnData) -> Result<Self, Failure> {
        let frozen = &run_on_data.frozen;
        let of_set = |error| run_on_data.failure(error);
        let (train, test) = eval::labeled_splits(&run_on_data.set).map_err(of_set)?;
        let extract = |split, name| {
            eval::extract_labeled(split, name, frozen.side(), BATCH, &|block| frozen.encode(block))
        };
        let train = extract(train, "train").map_err(of_set)?;
        let test = extract(test, "test").map_err(of_set)?;
        Ok(Self { run_on_data, train, test })
    }

    /// Measures in each of the ways, with all training images and, where asked for, with few. Ends
    /// where `stop` is set.
    pub fn by(
        &self,
        ways: &[Way],
        few: Option<&FewSettings>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Measured, Failure> {
        let RunOnData { run, frozen, set, .. } = &self.run_on_data;
        let measure = |way: &Way| {
            tracing::info!("measuring by {}", way.name());
            let finding = match way {
                Way::Features(protocol) => self.by_features(protocol, few),
                Way::Sgd(settings) | Way::Finetune(settings) => {
                    self.by_training(way, settings, few, stop)
                }
            };
            match stop.load(Ordering::Relaxed) {
                true => Err(eval::Error::Interrupted),
                false => finding,
            }
        };
        let findings: Result<Vec<_>, eval::Error> = ways.iter().map(measure).collect();
        let findings = findings.map_err(|error| self.run_on_data.failure(error))?;
        Ok(Measured {
            run: run.clone(),
            seed: frozen.record.config.seed,
            init: frozen.record.init.as_ref().map(|init| init.path.clone()),
            trained: frozen.trained,
            class_names: set.class_names.clone(),
            record: self.record(&findings),
            findings,
        })
    }

    fn by_features(
        &self,
        protocol: &Protocol,
        few: Option<&FewSettings>,
    ) -> Result<ProtocolResult, eval::Error> {
        let (train, test) = (&self.train, &self.test);
        let few = few.map(|few| eval::few_labels(protocol, train, test, few));
        let settings = serde_json::to_value(protocol).expect("settings are valid JSON");
        Ok(ProtocolResult {
            name: protocol.name(),
            settings: settings[protocol.name()].clone(),
            report: eval::evaluate(protocol, train, test, &self.run_on_data.set.folds)?,
            few: few.transpose()?.unwrap_or_default(),
        })
    }

    fn by_training(
        &self,
        way: &Way,
        settings: &ClassifierSettings,
        few: Option<&FewSettings>,
        stop: &Arc<AtomicBool>,
    ) -> Result<ProtocolResult, eval::Error> {
        let (split, test) = eval::labeled_splits(&self.run_on_data.set)?;
        let frozen = &self.run_on_data.frozen;
        let learn = |split: &Split, train: &Features| {
            let watch = Watch::new("learning from views", stop);
            let watch = |done, all| watch.at(done, all);
            match way {
                Way::Finetune(_) => trainer::finetune(frozen, split, test, settings, &watch),
                _ => trainer::sgd(frozen, split, [train, &self.test], settings, &watch),
            }
        };
        let of_draw = |rows: &[u32], _| {
            let report = learn(&split.select(rows), &self.train.select(rows)?)?;
            Ok::<_, eval::Error>(OnSubset {
                accuracy: report.test.accuracy,
                chosen: Some(report.learning_rate),
                converged: true,
            })
        };
        let labels = self.train.label_vec();
        let few = few.map(|few| eval::few_labels_by(&labels, few, of_draw));
        Ok(ProtocolResult {
            name: way.name(),
            settings: json!(settings),
            report: match way {
                Way::Finetune(_) => Report::Finetune(learn(split, &self.train)?),
                _ => Report::Sgd(learn(split, &self.train)?),
            },
            few: few.transpose()?.unwrap_or_default(),
        })
    }

    /// What was measured and with what.
    fn record(&self, findings: &[ProtocolResult]) -> EvaluationRecord {
        let RunOnData { run, frozen, set, .. } = &self.run_on_data;
        let [epoch, step] = frozen.trained;
        let config = &frozen.record.config;
        let protocols = findings.iter();
        EvaluationRecord {
            run: run.clone(),
            method: config.method.name().to_owned(),
            seed: config.seed,
            untrained: step == 0,
            init: frozen.record.init.clone(),
            epoch,
            step,
            weights: frozen.weights(),
            split: "test".to_owned(),
            data: EvaluationData {
                path: self.run_on_data.path.clone(),
                kind: set.kind.to_owned(),
                fingerprint: set.fingerprint(),
                images: EvaluationImages { train: self.train.len(), test: self.test.len() },
                folds: set.folds.len(),
                class_names: set.class_names.clone(),
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: env!("TWINVIEW_REVISION").to_owned(),
            device: frozen.device.clone(),
            threads: frozen.threads,
            protocols: protocols.map(|found| (found.name.to_owned(), found.record())).collect(),
        }
    }

    /// A sheet of up to `rows` evenly spaced test images, one a row, each followed by its `k`
    /// nearest training images.
    pub fn neighbors(&self, rows: usize, k: usize) -> Result<Sheet, Failure> {
        let failure = |error| self.run_on_data.failure(error);
        let (train, test) = eval::labeled_splits(&self.run_on_data.set).map_err(failure)?;
        let queries = test.evenly_spaced(rows);
        let found = eval::nearest(&self.train, &self.test, &queries, k).map_err(failure)?;
        let row = |(query, nearest): (&usize, &Vec<usize>)| {
            let nearest = nearest.iter().map(|&index| (train, index));
            std::iter::once((test, *query)).chain(nearest).collect()
        };
        let rows: Vec<Vec<_>> = queries.iter().zip(&found).map(row).collect();
        Ok(Sheet::of_rows(&rows))
    }
}

impl Way {
    /// The ways that cost little, with their usual settings.
    pub fn usual() -> [Self; 2] {
        [
            Self::Features(Protocol::Linear(Default::default())),
            Self::Features(Protocol::Knn(Default::default())),
        ]
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Features(protocol) => protocol.name(),
            Self::Sgd(_) => "sgd",
            Self::Finetune(_) => "finetune",
        }
    }
}

impl ProtocolResult {
    fn record(&self) -> ProtocolRecord {
        let mut report = serde_json::to_value(&self.report).expect("a report is valid JSON");
        let mut report = report[self.name].take();
        report["accuracy"] = json!(self.report.accuracy());
        report["settings"] = self.settings.clone();
        report["few_labels"] = json!(self.few);
        serde_json::from_value(report).expect("a report has the fields of a record")
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
            report::write_confusion_matrix(file, &title, &self.class_names, counts)?;
        }
        Ok(())
    }
}
