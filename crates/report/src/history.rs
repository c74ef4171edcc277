//! The course of a run: the epoch lines of `metrics.jsonl`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::Error;

/// What one epoch measured. Accuracies are shares, 0..=1; a number that was not measured, or was
/// not finite, is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Epoch {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Steps done at its end.
    pub step: u64,
    /// Mean loss of its steps.
    pub loss: Option<f64>,
    /// Contrastive accuracy over its batches.
    pub c_acc: Option<f64>,
    /// Correlation accuracy over its batches.
    pub r_acc: Option<f64>,
    /// Cross-entropy of the online probe on weakly augmented training images.
    pub p_loss: Option<f64>,
    /// Accuracy of the online probe there.
    pub p_acc: Option<f64>,
    /// Accuracy of the online probe on the labeled images that are held out, at its end.
    pub validation_p_acc: Option<f64>,
    /// Accuracy of the online probe on the test split, at its end.
    pub test_p_acc: Option<f64>,
    /// Step size.
    pub lr: Option<f64>,
    /// Share of the teacher that a step kept.
    pub teacher_momentum: Option<f64>,
    /// Mean length of the gradient.
    pub gradient_norm: Option<f64>,
    /// Standard deviation of normalized features.
    pub feature_std: Option<f64>,
    /// Effective rank of the features.
    pub effective_rank: Option<f64>,
    /// Standard deviation of normalized projections.
    pub projection_std: Option<f64>,
    /// Effective rank of the projections.
    pub projection_rank: Option<f64>,
    /// Mean squared distance of the normalized features of two views of an image.
    pub alignment: Option<f64>,
    /// How evenly normalized features are spread: the logarithm of a mean potential of pairs.
    pub uniformity: Option<f64>,
    /// Share of the features that are 0 for every image.
    pub dead_features: Option<f64>,
    /// Distance of the teacher's weights from the student's, relative to these.
    pub teacher_distance: Option<f64>,
    /// Images a second while training.
    pub images_per_sec: Option<f64>,
    /// Share of the time spent waiting for data.
    pub data_wait: Option<f64>,
    /// Seconds of training.
    pub train_secs: Option<f64>,
    /// Seconds of evaluation.
    pub eval_secs: Option<f64>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

/// The epochs in the file at `path`, in order, each once: of two lines about one epoch the later
/// counts. No file, no epochs. A last line without its line break is one that is still being
/// written, and is left out.
///
/// # Errors
/// [`Error::Content`] with the first line that is damaged, [`Error::Io`].
pub fn read(path: &Path) -> Result<Vec<Epoch>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(Error::content(path, None, "JSON lines")("bytes that are no text"));
        }
        Err(error) => return Err(Error::io(path, "read it")(error)),
    };
    let mut epochs = BTreeMap::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        let damaged = Error::content::<serde_json::Error>(
            path,
            Some(index + 1),
            "a record of a step or an epoch",
        );
        let epoch = serde_json::from_str(line).and_then(|Kind { kind }| {
            (kind == "epoch").then(|| serde_json::from_str::<Epoch>(line)).transpose()
        });
        if let Some(epoch) = epoch.map_err(damaged)? {
            epochs.insert(epoch.epoch, epoch);
        }
    }
    Ok(epochs.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<Epoch>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    const STEP: &str = "{\"kind\":\"step\",\"step\":1,\"epoch\":1,\"loss\":5.0,\"lr\":0.1}\n";

    #[test]
    fn epochs_come_in_order_and_once() {
        let text = format!(
            "{STEP}{}\n{}\n{}\n",
            r#"{"kind":"epoch","epoch":2,"step":4,"test_p_acc":0.5}"#,
            r#"{"kind":"epoch","epoch":1,"step":2,"test_p_acc":null}"#,
            r#"{"kind":"epoch","epoch":2,"step":4,"test_p_acc":0.25,"new_field":[1]}"#,
        );
        let epochs = of(&text).unwrap();
        assert_eq!(epochs.len(), 2);
        assert_eq!((epochs[0].epoch, epochs[0].test_p_acc), (1, None));
        assert_eq!((epochs[1].epoch, epochs[1].test_p_acc), (2, Some(0.25)));
    }

    #[test]
    fn a_damaged_line_is_named() {
        for bad in ["{\"kind\":\"ep", "", "[]", "{\"kind\":\"epoch\",\"step\":1}"] {
            let error = of(&format!("{STEP}{bad}\n{STEP}")).unwrap_err();
            assert!(matches!(error, Error::Content { line: Some(2), .. }), "{error}");
            assert!(error.to_string().contains("metrics.jsonl:2: expected"));
        }
    }

    #[test]
    fn a_line_that_is_being_written_is_left_out() {
        assert_eq!(of(&format!("{STEP}{{\"kind\":\"epo")).unwrap(), []);
    }

    #[test]
    fn no_file_is_no_epochs() {
        assert_eq!(read(Path::new("/nonexistent/metrics.jsonl")).unwrap(), []);
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, [0xff, 0xfe, b'\n']).unwrap();
        assert!(matches!(read(&path), Err(Error::Content { .. })));
    }
}
