//! The scores of an encoder: what `evaluate` found, as in `evaluation.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// What evaluation found. Accuracies are shares of the test images, 0..=1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Accuracy of a linear classifier on frozen features.
    pub linear: Option<f64>,
    /// Accuracy of nearest neighbors on frozen features.
    pub knn: Option<f64>,
    /// Which classes were taken for which, by each protocol that counted it.
    pub confusions: Vec<ConfusionMatrix>,
}

/// Which classes a protocol took for which.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfusionMatrix {
    /// The protocol.
    pub protocol: String,
    /// Names of the classes; empty where the set is not known to have any.
    pub class_names: Vec<String>,
    /// Test images by true class, then by predicted class; square.
    pub counts: Vec<Vec<u64>>,
}

/// The content of `evaluation.json`, as far as it is read.
#[derive(Deserialize)]
pub struct Document {
    #[serde(default)]
    data: Data,
    protocols: BTreeMap<String, Scored>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    class_names: Vec<String>,
}

#[derive(Deserialize)]
struct Scored {
    accuracy: Option<f64>,
    #[serde(default)]
    test: Test,
}

#[derive(Default, Deserialize)]
struct Test {
    confusion: Option<Vec<Vec<u64>>>,
}

impl Evaluation {
    /// What the JSON document `value` says; `path` is the file that it is or would be in.
    ///
    /// # Errors
    /// [`Error::Content`] where it says something else.
    pub fn parse(path: &Path, value: Value) -> Result<Self, Error> {
        let document =
            Document::deserialize(value).map_err(Error::content(path, None, EXPECTED))?;
        Self::new(path, document)
    }

    /// See [`parse`](Self::parse).
    pub(crate) fn new(path: &Path, document: Document) -> Result<Self, Error> {
        let Document { data, protocols } = document;
        let accuracy = |name: &str| protocols.get(name)?.accuracy;
        let (linear, knn) = (accuracy("linear"), accuracy("knn"));
        let mut confusions = Vec::new();
        for (protocol, scored) in protocols {
            let Some(counts) = scored.test.confusion else {
                continue;
            };
            if counts.iter().any(|row| row.len() != counts.len()) {
                let expected = "as many predicted as true classes in a confusion";
                return Err(Error::content(path, None, expected)("other rows"));
            }
            confusions.push(ConfusionMatrix {
                protocol,
                class_names: data.class_names.clone(),
                counts,
            });
        }
        Ok(Self { linear, knn, confusions })
    }
}

/// What `evaluation.json` should hold.
pub(crate) const EXPECTED: &str = "scores of a run";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scores_and_confusions_are_read() {
        let value = json!({
            "data": {"class_names": ["cat", "dog"]},
            "protocols": {
                "linear": {"accuracy": 0.75, "test": {"confusion": [[2, 0], [1, 1]]}},
                "knn": {"accuracy": 0.5},
            },
        });
        let evaluation = Evaluation::parse(Path::new("e.json"), value).unwrap();
        assert_eq!((evaluation.linear, evaluation.knn), (Some(0.75), Some(0.5)));
        let [confusion] = &evaluation.confusions[..] else { panic!("{evaluation:?}") };
        assert_eq!(confusion.protocol, "linear");
        assert_eq!(confusion.class_names, ["cat", "dog"]);
        assert_eq!(confusion.counts, [[2, 0], [1, 1]]);
    }

    #[test]
    fn a_confusion_is_square() {
        let value = json!({"protocols": {"knn": {"test": {"confusion": [[1, 2], [3]]}}}});
        let error = Evaluation::parse(Path::new("e.json"), value).unwrap_err();
        assert!(error.to_string().starts_with("e.json: expected as many"), "{error}");
    }
}
