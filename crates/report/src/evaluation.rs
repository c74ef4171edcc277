//! The scores of an encoder, from `evaluation.json`.

use std::collections::BTreeMap;

use run::EvaluationRecord;

/// Scores of an encoder. Accuracies are shares of the test images, 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Accuracy of a linear classifier on frozen features.
    pub linear: Option<f64>,
    /// Accuracy of nearest neighbors on frozen features.
    pub knn: Option<f64>,
    /// The 95 % interval of each accuracy, by protocol.
    pub intervals: BTreeMap<String, [f64; 2]>,
    /// The confusion matrix of each protocol that has one.
    pub confusions: Vec<ConfusionMatrix>,
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
        let accuracy = |name: &str| Some(record.protocols.get(name)?.accuracy);
        let matrix = |(protocol, scores): (&String, &run::ProtocolRecord)| {
            Some(ConfusionMatrix {
                protocol: protocol.clone(),
                class_names: record.data.class_names.clone(),
                counts: scores.test.confusion.clone()?,
            })
        };
        let interval = |(protocol, scores): (&String, &run::ProtocolRecord)| {
            (protocol.clone(), scores.test.interval95)
        };
        Self {
            intervals: record.protocols.iter().map(interval).collect(),
            linear: accuracy("linear"),
            knn: accuracy("knn"),
            confusions: record.protocols.iter().filter_map(matrix).collect(),
        }
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
        assert_eq!((evaluation.linear, evaluation.knn), (Some(0.75), Some(0.5)));
        let [confusion] = &evaluation.confusions[..] else { panic!("{evaluation:?}") };
        assert_eq!(confusion.protocol, "linear");
        assert_eq!(confusion.class_names, ["cat", "dog"]);
        assert_eq!(confusion.counts, [[2, 0], [1, 1]]);
    }
}
