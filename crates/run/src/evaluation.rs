//! `evaluation.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{DataSource, Error, InitRecord, file, summary};

/// `evaluation.json`: scores of one encoder by one or several protocols.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationRecord {
    /// The run folder, as it was given.
    pub run: PathBuf,
    /// The method.
    pub method: String,
    /// Random seed of the run.
    pub seed: u64,
    /// Whether the weights are those that the run began with.
    pub untrained: bool,
    /// The file that the encoder's first weights are from; null for random weights.
    pub init: Option<InitRecord>,
    /// Epochs done.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// The weights.
    pub weights: WeightsRecord,
    /// What the scores are of: `test`, the test split, or `folds`, without one: folds of the
    /// training images, each scored by a classifier that learned from the others.
    pub split: String,
    /// The data set.
    pub data: EvaluationData,
    /// Version of the program that evaluated.
    pub version: String,
    /// Source revision of that program.
    pub revision: String,
    /// The device.
    pub device: String,
    /// Threads of libtorch.
    pub threads: usize,
    /// Scores by the name of the protocol: `linear`, `knn`, `sgd`, `finetune`.
    pub protocols: BTreeMap<String, ProtocolRecord>,
}

/// The weights of an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeightsRecord {
    /// Name of the checkpoint; null for the weights that the run began with.
    pub checkpoint: Option<String>,
    /// Epochs done.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// Whether they are the teacher's.
    pub teacher: bool,
    /// SHA-256 over names, dtypes, shapes and bytes of the encoder's tensors, named as in
    /// `encoder.safetensors`.
    pub sha256: String,
}

/// The data set of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationData {
    /// Where it was read from.
    #[serde(flatten)]
    pub source: DataSource,
    /// Kind of the set.
    pub kind: String,
    /// Hash over sizes, labels and pixels of all images.
    pub fingerprint: String,
    /// Images of each labeled split.
    pub images: EvaluationImages,
    /// Predefined subsets of the training images.
    pub folds: usize,
    /// Names of the classes.
    pub class_names: Vec<String>,
}

/// Images of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationImages {
    /// Labeled training images.
    pub train: usize,
    /// Labeled test images; 0 without a test split.
    pub test: usize,
}

/// The scores of one protocol. Besides these fields it has those of the protocol, such as the
/// chosen `c`, `k` or `lr`, and how it was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolRecord {
    /// Accuracy on the test split or, without one, the mean over folds of train; 0 to 1.
    pub accuracy: f64,
    /// The same with the weights that the run began with; null where it was not measured.
    pub initial_accuracy: Option<f64>,
    /// Score on the test split or, without one, on all folds of train together.
    pub test: Score,
    /// Settings of the protocol.
    pub settings: Value,
    /// Accuracy over folds of train; null or absent with a test split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<CrossValidation>,
    /// Test accuracy from each predefined subset of train; null or absent without such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<FoldScores>,
    /// Scores with few labels, one entry per number of labels; absent where none were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub few_labels: Vec<FewLabelsRecord>,
    /// What else the protocol reports.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// Accuracy over stratified folds of the labeled images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CrossValidation {
    /// Random seed of the folds.
    pub seed: u64,
    /// Accuracy of each fold by a classifier that learned from the others.
    pub folds: FoldScores,
    /// The `C` chosen for each fold, among the others; null where there is no choice.
    pub chosen: Option<Vec<f64>>,
}

/// Agreement with the labels of a set of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Share of correctly classified images, 0 to 1.
    pub accuracy: f64,
    /// Mean of the accuracies of the classes, 0 to 1.
    pub balanced_accuracy: f64,
    /// Mean of the F1 scores of the classes, 0 to 1.
    pub macro_f1: f64,
    /// Share of images whose class is among the five likeliest, 0 to 1; null for fewer than six
    /// classes.
    pub top5: Option<f64>,
    /// Share of the most frequent class: the accuracy of always answering it.
    pub chance: f64,
    /// 95 % Wilson interval of the accuracy: lower and upper bound.
    pub interval95: [f64; 2],
    /// Correctly classified images.
    pub correct: u64,
    /// All images.
    pub total: u64,
    /// One entry a class, in label order.
    pub per_class: Vec<ClassScore>,
    /// Confusion matrix: images by true class, then by predicted class; null for many classes.
    pub confusion: Option<Vec<Vec<u64>>>,
}

/// Accuracy on the images of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassScore {
    /// Correctly classified images of the class.
    pub correct: u64,
    /// Images of the class.
    pub total: u64,
    /// Their share, 0 to 1; null for a class without images.
    pub accuracy: Option<f64>,
}

/// Accuracy after training on each of several parts of train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoldScores {
    /// Mean accuracy.
    pub mean: f64,
    /// Sample standard deviation (n - 1); 0 for one part.
    pub std: f64,
    /// Accuracy by each part.
    pub accuracies: Vec<f64>,
    /// Training images of each part.
    pub images: Vec<usize>,
}

/// Accuracy with few labels, on the test split or, without one, on the other training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FewLabelsRecord {
    /// Labeled images of every class.
    pub labels_per_class: usize,
    /// Random seed of the subsets.
    pub seed: u64,
    /// Over the subsets.
    pub subsets: FoldScores,
    /// The hyperparameter chosen in each subset, `C` or a learning rate; null where there is none.
    pub chosen: Option<Vec<f64>>,
    /// Whether every regression reached its tolerance.
    pub converged: bool,
}

impl EvaluationRecord {
    /// Reads `evaluation.json` of the run in `folder`; `None` for a run that was not evaluated.
    ///
    /// # Errors
    /// [`Error::Content`] for a file that can't be parsed or a confusion matrix that is not square,
    /// [`Error::Io`].
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(file::EVALUATION);
        let found: Option<Self> = summary::read(&path, "scores of a run")?;
        if let Some(record) = &found {
            record.check(&path)?;
        }
        Ok(found)
    }

    /// Checks that confusion matrices are square.
    fn check(&self, path: &Path) -> Result<(), Error> {
        let matrices =
            self.protocols.values().filter_map(|protocol| protocol.test.confusion.as_ref());
        for matrix in matrices {
            if matrix.iter().any(|row| row.len() != matrix.len()) {
                let expected = "as many predicted as true classes in a confusion matrix";
                return Err(Error::content(path, None, expected)("other rows"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
