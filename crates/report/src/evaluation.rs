//! The scores of an encoder, from `evaluation.json`.

use run::{EvaluationRecord, ProtocolRecord};

/// Scores of an encoder. Accuracies are shares of the scored images, 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Whether folds of the training images were scored, as there is no test split.
    pub by_folds: bool,
    /// The score of each protocol.
    pub scores: Vec<ProtocolScore>,
    /// The confusion matrix of each protocol that has one.
    pub confusions: Vec<ConfusionMatrix>,
}

/// The score of a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtocolScore {
    /// The protocol.
    pub protocol: String,
    /// Accuracy: on the test split, or the mean over folds.
    pub accuracy: f64,
    /// Standard deviation over folds, where these were scored.
    pub std: Option<f64>,
    /// 95 % interval of the accuracy: lower and upper bound.
    pub interval95: [f64; 2],
    /// Mean of the accuracies of the classes.
    pub balanced_accuracy: f64,
    /// Mean of the F1 scores of the classes.
    pub macro_f1: f64,
    /// Share of images whose class is among the five likeliest; `None` for few classes.
    pub top5: Option<f64>,
    /// Accuracy of always answering the most frequent class.
    pub chance: f64,
    /// Accuracy with the weights that the run began with, where it was measured.
    pub initial_accuracy: Option<f64>,
    /// Scored images.
    pub images: u64,
}

/// The confusion matrix of a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfusionMatrix {
    /// The protocol.
    pub protocol: String,
    /// Names of the classes; empty where the set is not known to have any.
    pub class_names: Vec<String>,
    /// Test images by true class, then by predicted class; square.
    pub counts: Vec<Vec<u64>>,
}

impl Evaluation {
    /// The scores in `record`.
    pub fn of(record: &EvaluationRecord) -> Self {
        let matrix = |(protocol, scores): (&String, &ProtocolRecord)| {
            Some(ConfusionMatrix {
                protocol: protocol.clone(),
                class_names: record.data.class_names.clone(),
                counts: scores.test.confusion.clone()?,
            })
        };
        Self {
            by_folds: record.split == "folds",
            scores: record.protocols.iter().map(score).collect(),
            confusions: record.protocols.iter().filter_map(matrix).collect(),
        }
    }

    /// The score of a protocol, such as `linear`.
    pub fn score(&self, protocol: &str) -> Option<&ProtocolScore> {
        self.scores.iter().find(|score| score.protocol == protocol)
    }

    /// The accuracy by a protocol.
    pub fn accuracy(&self, protocol: &str) -> Option<f64> {
        Some(self.score(protocol)?.accuracy)
    }

    /// The accuracy by a protocol with the weights that the run began with.
    pub fn initial_accuracy(&self, protocol: &str) -> Option<f64> {
        self.score(protocol)?.initial_accuracy
    }

    /// Accuracy of always answering the most frequent class; it is the same for all protocols.
    pub fn chance(&self) -> Option<f64> {
        Some(self.scores.first()?.chance)
    }
}

fn score((protocol, record): (&String, &ProtocolRecord)) -> ProtocolScore {
    let ProtocolRecord { accuracy, initial_accuracy, cross_validation, test, .. } = record;
    ProtocolScore {
        protocol: protocol.clone(),
        accuracy: *accuracy,
        std: cross_validation.as_ref().map(|found| found.folds.std),
        interval95: test.interval95,
        balanced_accuracy: test.balanced_accuracy,
        macro_f1: test.macro_f1,
        top5: test.top5,
        chance: test.chance,
        initial_accuracy: *initial_accuracy,
        images: test.total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample;

    #[test]
    fn scores_and_confusions_are_read() {
        let mut record = sample::evaluation("linear", 0.75, 10);
        let knn = sample::evaluation("knn", 0.5, 10).protocols;
        record.protocols.extend(knn);
        record.data.class_names = ["cat", "dog"].map(str::to_owned).to_vec();
        let linear = record.protocols.get_mut("linear").unwrap();
        linear.test.confusion = Some(vec![vec![2, 0], vec![1, 1]]);
        let evaluation = Evaluation::of(&record);
        let accuracies = ["linear", "knn", "sgd"].map(|name| evaluation.accuracy(name));
        assert_eq!(accuracies, [Some(0.75), Some(0.5), None]);
        assert_eq!(evaluation.initial_accuracy("linear"), Some(0.25));
        assert_eq!((evaluation.chance(), evaluation.by_folds), (Some(0.1), false));
        let [confusion] = &evaluation.confusions[..] else { panic!("{evaluation:?}") };
        assert_eq!(confusion.protocol, "linear");
        assert_eq!(confusion.class_names, ["cat", "dog"]);
        assert_eq!(confusion.counts, [[2, 0], [1, 1]]);
    }
}
