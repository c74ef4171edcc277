//! The scores of a finished encoder: `evaluation.json`.

use serde::Deserialize;

/// What evaluation found. Accuracies are shares of the test images, 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Accuracy of a linear classifier on frozen features.
    pub linear: Option<f64>,
    /// Accuracy of nearest neighbours on frozen features.
    pub knn: Option<f64>,
}

#[derive(Deserialize)]
pub struct Document {
    protocols: Protocols,
}

#[derive(Deserialize)]
struct Protocols {
    linear: Option<Score>,
    knn: Option<Score>,
}

#[derive(Deserialize)]
struct Score {
    accuracy: Option<f64>,
}

impl From<Document> for Evaluation {
    fn from(Document { protocols }: Document) -> Self {
        let accuracy = |score: Option<Score>| score.and_then(|score| score.accuracy);
        Self {
            linear: accuracy(protocols.linear),
            knn: accuracy(protocols.knn),
        }
    }
}
