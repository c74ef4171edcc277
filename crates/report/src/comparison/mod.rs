//! Runs side by side: one row a method, over its seeds.

pub mod column;
pub mod leaderboard;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

use run::{CONTRASTIVE_ACC, CORRELATION_ACC, EFFECTIVE_RANK, FEATURE_STD, Metric, TEST_PROBE_ACC};
use serde::Serialize;

use crate::{MeanStd, Run};

/// How probe accuracy is measured; part of every format.
pub const SELECTION: &str = "Probe accuracy is measured on the test split; the best epoch is \
                             shown, not used for selection.";
/// The meaning of ±; part of every format.
pub const DEVIATION: &str = "± is the sample standard deviation over seeds (n−1).";

/// The rows of a leaderboard, best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What to know before comparing: unfinished runs, different data.
    pub notes: Vec<String>,
    /// Whether there is no test split, so that folds of the training images were scored.
    #[serde(skip)]
    pub by_folds: bool,
    /// One row a method, by probe accuracy at the last epoch, best first.
    pub rows: Vec<Row>,
}

/// One method over its seeds. Accuracies are shares, 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the method.
    pub method: String,
    /// Seeds of its runs, in order.
    pub seeds: Vec<u64>,
    /// How many of its runs are finished.
    pub finished: usize,
    /// The last epoch of each run, in the order of the seeds; 0 before the first.
    pub last_epochs: Vec<u32>,
    /// The epoch at which the probe was best, for each run that has one.
    pub best_epochs: Vec<u32>,
    /// Accuracy of the online probe on the test split, last epoch.
    pub probe_last: Option<MeanStd>,
    /// The same, each run at its best epoch.
    pub probe_best: Option<MeanStd>,
    /// Accuracy of a linear classifier on frozen features.
    pub linear: Option<MeanStd>,
    /// The same with the weights that the runs began with.
    pub linear_initial: Option<MeanStd>,
    /// Accuracy of nearest neighbors on frozen features.
    pub knn: Option<MeanStd>,
    /// The same with the weights that the runs began with.
    pub knn_initial: Option<MeanStd>,
    /// Accuracy of always answering the most frequent class.
    pub chance: Option<MeanStd>,
    /// Contrastive accuracy, last epoch.
    pub contrastive_acc: Option<MeanStd>,
    /// Correlation accuracy, last epoch.
    pub correlation_acc: Option<MeanStd>,
    /// Effective rank of the features, last epoch.
    pub effective_rank: Option<MeanStd>,
    /// Standard deviation of normalized features, last epoch.
    pub feature_std: Option<MeanStd>,
    /// Images a second while training.
    pub images_per_sec: Option<MeanStd>,
    /// Seconds that the epochs took.
    pub wall_secs: Option<MeanStd>,
    /// The most memory held at once, in bytes.
    pub peak_memory_bytes: Option<MeanStd>,
}

impl Comparison {
    /// Puts `runs` side by side.
    pub fn of(runs: &[Run]) -> Self {
        let mut rows: Vec<Row> =
            by_method(runs).into_iter().map(|(method, runs)| Row::of(method, &runs)).collect();
        let score = |row: &Row| row.probe_last.map_or(f64::NEG_INFINITY, |spread| spread.mean);
        rows.sort_by(|a, b| score(b).total_cmp(&score(a)));
        let evaluations = || runs.iter().filter_map(|run| run.evaluation.as_ref());
        let by_folds = evaluations().any(|evaluation| evaluation.by_folds);
        Self { notes: notes(runs, by_folds), by_folds, rows }
    }
}

/// The runs of each method, methods by name, runs by seed.
pub fn by_method(runs: &[Run]) -> BTreeMap<&str, Vec<&Run>> {
    let mut methods: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        methods.entry(&run.method).or_default().push(run);
    }
    for runs in methods.values_mut() {
        runs.sort_by_key(|run| run.seed);
    }
    methods
}

impl Row {
    /// The row of `runs`, which are all called `method`.
    pub(crate) fn of(method: &str, runs: &[&Run]) -> Self {
        let over = |value: fn(&Run) -> Option<f64>| MeanStd::of(runs.iter().map(|run| value(run)));
        let last = |metric: Metric| {
            MeanStd::of(runs.iter().map(|run| run.last().and_then(|epoch| metric.of(epoch))))
        };
        Self {
            method: method.to_owned(),
            seeds: runs.iter().map(|run| run.seed).collect(),
            finished: runs.iter().filter(|run| run.finished()).count(),
            last_epochs: runs.iter().map(|run| run.last().map_or(0, |epoch| epoch.epoch)).collect(),
            best_epochs: runs.iter().filter_map(|run| Some(run.best()?.epoch)).collect(),
            probe_last: last(TEST_PROBE_ACC),
            probe_best: over(|run| TEST_PROBE_ACC.of(run.best()?)),
            linear: over(|run| run.evaluation.as_ref()?.accuracy("linear")),
            linear_initial: over(|run| run.evaluation.as_ref()?.initial_accuracy("linear")),
            knn: over(|run| run.evaluation.as_ref()?.accuracy("knn")),
            knn_initial: over(|run| run.evaluation.as_ref()?.initial_accuracy("knn")),
            chance: over(|run| run.evaluation.as_ref()?.chance()),
            contrastive_acc: last(CONTRASTIVE_ACC),
            correlation_acc: last(CORRELATION_ACC),
            effective_rank: last(EFFECTIVE_RANK),
            feature_std: last(FEATURE_STD),
            images_per_sec: over(Run::images_per_sec),
            wall_secs: over(Run::wall_secs),
            peak_memory_bytes: over(|run| {
                let bytes = run.summary.as_ref()?.peak_memory_bytes?;
                Some(bytes as f64)
            }),
        }
    }
}

/// What to know of numbers that are not of a test split; part of every format.
pub const FOLDS: &str = "There is no labeled test split: linear and kNN accuracies are means over \
                         folds of the labeled images.";

fn notes(runs: &[Run], by_folds: bool) -> Vec<String> {
    let mut notes: Vec<String> = different_data(runs).into_iter().collect();
    notes.extend(by_folds.then(|| FOLDS.to_owned()));
    for run in runs.iter().filter(|run| !run.finished()) {
        notes.push(format!("{} with seed {} is {}.", run.method, run.seed, run.state()));
    }
    notes
}

/// A warning where the runs did not see the same data.
pub fn different_data<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Option<String> {
    let data: BTreeSet<&str> = runs.into_iter().map(|run| run.data.fingerprint.as_str()).collect();
    (data.len() > 1).then(|| {
        format!(
            "The runs saw {} different data sets: their accuracies can't be compared.",
            data.len()
        )
    })
}

#[cfg(test)]
mod tests;
