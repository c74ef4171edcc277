//! A run, the set it is measured on, and the features that its encoder gives there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dataset::ConcatSplits;
use eval::{
    Features, FewShotSettings, LabeledData, LabeledFeatures, Mistake, Neighbor, Protocol,
    ProtocolResult, TrainingProgress,
};
use report::{ContactSheet, Frame, SheetRow, Tile};
use run::{EvaluationData, EvaluationImages, EvaluationRecord, ProtocolRecord};

use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::app::run_on_data::{BATCH, RunOnData};
use crate::app::tiles;
use crate::args::SplitArgument;

/// See the module.
pub struct Measurement {
    run_on_data: RunOnData,
    features: LabeledFeatures,
}

/// The scores of a run by all protocols.
pub struct RunScores {
    /// The run folder, as it was given.
    pub run: PathBuf,
    /// The seed that it was trained with.
    pub seed: u64,
    /// The file that its weights began from, where there was one.
    pub init: Option<PathBuf>,
    /// How far it was trained.
    pub trained: TrainingProgress,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// One a protocol.
    pub results: Vec<ProtocolResult>,
    /// Scores of the weights that the run began with, where they were measured.
    pub initial: InitialScores,
    /// All that it takes to measure it again.
    pub record: EvaluationRecord,
}

/// Accuracies of the weights that a run began with, by protocol.
#[derive(Clone, Debug, Default)]
pub struct InitialScores(BTreeMap<&'static str, f64>);

impl InitialScores {
    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The accuracy by a protocol.
    pub fn of(&self, protocol: &str) -> Option<f64> {
        self.0.get(protocol).copied()
    }
}

impl Measurement {
    /// Extracts features.
    pub fn of(run_on_data: RunOnData) -> Result<Self, Failure> {
        let RunOnData { frozen, set, .. } = &run_on_data;
        let features = LabeledFeatures::extract(frozen, set, BATCH);
        let features = features.map_err(|error| run_on_data.failure(error))?;
        Ok(Self { run_on_data, features })
    }

    /// The scores of the weights that the run began with, by those of the protocols that take
    /// seconds; none where these are the weights at hand.
    pub fn initial(&self, protocols: &[Protocol]) -> Result<InitialScores, Failure> {
        let RunOnData { run, frozen, set, .. } = &self.run_on_data;
        let quick = protocols.iter().filter(|protocol| !protocol.trains_on_views());
        let quick: Vec<&Protocol> = quick.collect();
        if quick.is_empty() || frozen.trained.step == 0 {
            return Ok(InitialScores::default());
        }
        let untrained = frozen.untrained(run)?;
        let failure = |error| self.run_on_data.failure(error);
        let features = LabeledFeatures::extract(&untrained, set, BATCH).map_err(failure)?;
        let data = LabeledData::new(&features, &untrained, set).map_err(failure)?;
        let score = |protocol: &&Protocol| {
            let report = eval::evaluate(protocol, &data, &|_, _| ControlFlow::Continue(()))?;
            Ok((protocol.name(), report.accuracy()))
        };
        let scores: eval::Result<_> = quick.iter().map(score).collect();
        Ok(InitialScores(scores.map_err(failure)?))
    }

    /// Evaluates by each of the protocols, with all training images and, where asked for, with few.
    /// Ends where `stop` is set.
    pub fn by(
        &self,
        protocols: &[Protocol],
        few: Option<&FewShotSettings>,
        initial: InitialScores,
        stop: &Arc<AtomicBool>,
    ) -> Result<RunScores, Failure> {
        let results = self.results(protocols, few, stop);
        let results = results.map_err(|error| self.run_on_data.failure(error))?;
        let RunOnData { run, frozen, set, .. } = &self.run_on_data;
        Ok(RunScores {
            run: run.clone(),
            seed: frozen.record.config.seed,
            init: frozen.record.init.as_ref().map(|init| init.path.clone()),
            trained: frozen.trained,
            class_names: set.class_names.clone(),
            record: self.record(&results, &initial),
            results,
            initial,
        })
    }

    fn results(
        &self,
        protocols: &[Protocol],
        few: Option<&FewShotSettings>,
        stop: &Arc<AtomicBool>,
    ) -> eval::Result<Vec<ProtocolResult>> {
        let RunOnData { frozen, set, .. } = &self.run_on_data;
        let data = LabeledData::new(&self.features, frozen, set)?;
        // One bar per training: a protocol may train several times.
        let bar = RefCell::new(None);
        let on_progress = |done, all| {
            let mut bar = bar.borrow_mut();
            let begin = || JobProgressBar::new("learning from views", stop);
            let flow = bar.get_or_insert_with(begin).update(done, all);
            if done == all {
                *bar = None;
            }
            flow
        };
        let measure = |protocol: &Protocol| {
            tracing::info!("measuring by {}", protocol.name());
            let result = ProtocolResult::measure(protocol, &data, few, &on_progress);
            match stop.load(Ordering::Relaxed) {
                true => Err(eval::Error::Interrupted),
                false => result,
            }
        };
        protocols.iter().map(measure).collect()
    }

    /// What was measured and with what.
    fn record(&self, results: &[ProtocolResult], initial: &InitialScores) -> EvaluationRecord {
        let RunOnData { run, frozen, set, .. } = &self.run_on_data;
        let TrainingProgress { epoch, step } = frozen.trained;
        let config = &frozen.record.config;
        let protocol = |result: &ProtocolResult| {
            let initial_accuracy = initial.of(result.name());
            (result.name().to_owned(), ProtocolRecord { initial_accuracy, ..result.record() })
        };
        EvaluationRecord {
            run: run.clone(),
            method: config.method.name().to_owned(),
            seed: config.seed,
            untrained: step == 0,
            init: frozen.record.init.clone(),
            epoch,
            step,
            weights: frozen.weights(),
            split: if self.features.test.is_some() { "test" } else { "folds" }.to_owned(),
            data: EvaluationData {
                source: self.run_on_data.source.clone(),
                kind: set.kind.to_owned(),
                fingerprint: set.fingerprint(),
                images: EvaluationImages {
                    train: self.features.train.len(),
                    test: self.features.test.as_ref().map_or(0, Features::len),
                },
                folds: set.folds.len(),
                class_names: set.class_names.clone(),
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: env!("TWINVIEW_REVISION").to_owned(),
            device: frozen.device.clone(),
            threads: frozen.threads,
            protocols: results.iter().map(protocol).collect(),
        }
    }

    /// Up to `rows` evenly spaced test images, one a row, and their `k` nearest training images.
    pub fn neighbors(&self, rows: usize, k: usize) -> Result<ContactSheet, Failure> {
        let [train, test] = self.labeled()?;
        let queries: Vec<usize> = test.splits()[0].1.evenly_spaced(rows);
        let found = eval::nearest(&self.features.train, self.test_features()?, &queries, k)
            .map_err(|error| self.run_on_data.failure(error))?;
        let row = |(&query, nearest): (&usize, &Vec<Neighbor>)| {
            let tile = tiles::tile(&test, query, &[], Frame::Query);
            tiles::neighbors(tile, test.record(query).label, &train, nearest)
        };
        let title = format!(
            "Test images and their nearest training images by features, with their cosine \
             similarity; labels are not used to find them.{}",
            tiles::legend(true)
        );
        let rows = queries.iter().zip(&found).map(row).collect();
        Ok(ContactSheet { title, columns: tiles::COLUMNS, rows })
    }

    /// Up to `count` test images that their nearest training images vote into another class, those
    /// with the most votes first; `None` where there are none.
    pub fn misclassified(&self, count: usize) -> Result<Option<ContactSheet>, Failure> {
        let [_, test] = self.labeled()?;
        let wrong = eval::mistakes(&self.features.train, self.test_features()?);
        let wrong = wrong.map_err(|error| self.run_on_data.failure(error))?;
        let tile = |wrong: &Mistake| {
            let (class, votes) = (self.class_name(wrong.predicted), 100.0 * wrong.share);
            let mut tile = tiles::tile(&test, wrong.row, &[], Frame::Other);
            tile.caption.push(format!("taken for {class}, {votes:.0} %"));
            tile
        };
        let shown: Vec<Tile> = wrong.iter().take(count).map(tile).collect();
        let title = format!(
            "{} of {} test images are taken for another class by a vote of their nearest training \
             images (knn). {} with the largest share of the votes, surest first: name, class, and \
             what the image is taken for.",
            wrong.len(),
            test.len(),
            if shown.len() < wrong.len() { format!("The {}", shown.len()) } else { "All".into() },
        );
        let rows = vec![SheetRow::of_tiles(shown)];
        let sheet = ContactSheet { title, columns: tiles::COLUMNS, rows };
        Ok((!wrong.is_empty()).then_some(sheet))
    }

    fn test_features(&self) -> Result<&Features, Failure> {
        let missing = || self.run_on_data.failure(eval::Error::NoSplit { split: "test" });
        self.features.test.as_ref().ok_or_else(missing)
    }

    /// The images of train and test.
    fn labeled(&self) -> Result<[ConcatSplits<'_>; 2], Failure> {
        let RunOnData { set, .. } = &self.run_on_data;
        eval::labeled_splits(set).map_err(|error| self.run_on_data.failure(error))?;
        let of = |split| self.run_on_data.select(&[split]);
        Ok([of(SplitArgument::Train)?, of(SplitArgument::Test)?])
    }

    fn class_name(&self, class: usize) -> String {
        let name = self.run_on_data.set.class_names.get(class);
        name.cloned().unwrap_or_else(|| format!("class {class}"))
    }
}

impl RunScores {
    /// Whether there is no test split, so that folds of the training images were scored.
    pub fn by_folds(&self) -> bool {
        self.record.split == "folds"
    }

    /// Draws the matrix of what the first protocol takes for what, where there is one, as a PNG.
    pub fn draw_confusion(&self, file: &Path) -> Result<(), Failure> {
        let Some(result) = self.results.first() else {
            return Ok(());
        };
        let (score, epoch) = (result.report.test(), self.trained.epoch);
        let title = format!(
            "{}, epoch {epoch}, {}: {:.2} % of {} {}",
            self.run.display(),
            result.name(),
            100.0 * score.accuracy,
            score.total,
            if self.by_folds() { "images, by folds" } else { "test images" }
        );
        if let Some(counts) = &score.confusion {
            report::write_confusion_matrix(file, &title, &self.class_names, counts)?;
        }
        Ok(())
    }
}
