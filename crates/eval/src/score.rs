//! How well predictions agree with labels, and how far to trust the number.

use run::wilson_interval;
use serde::{Deserialize, Serialize};

/// Correct predictions among the images of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassScore {
    /// Correctly classified images of this class.
    pub correct: u64,
    /// Images of this class.
    pub total: u64,
    /// Their share in 0..=1; `None` (JSON `null`) for a class without images.
    pub accuracy: Option<f64>,
}

/// Top-1 agreement with the labels of one set of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Share of correctly classified images in 0..=1.
    pub accuracy: f64,
    /// 95 % Wilson interval of the accuracy: the spread that comes from the number of images alone.
    pub interval95: [f64; 2],
    /// Correctly classified images.
    pub correct: u64,
    /// All images.
    pub total: u64,
    /// One entry a class, in label order.
    pub per_class: Vec<ClassScore>,
    /// Images of each true class by predicted class: `[true][predicted]`. `None` for more than
    /// [`MOST_CONFUSED`] classes.
    pub confusion: Option<Vec<Vec<u64>>>,
}

/// The most classes that a matrix is kept of: it has the square of their number of entries.
pub const MOST_CONFUSED: usize = 256;

impl Score {
    /// Compares `predictions` with `labels`, both 0-based classes below `classes`.
    ///
    /// # Panics
    /// If the two have different lengths or a class is out of range: both come from checked
    /// features.
    pub fn new(predictions: &[i64], labels: &[i64], classes: usize) -> Self {
        assert_eq!(predictions.len(), labels.len(), "one prediction a label");
        let mut per_class = vec![(0u64, 0u64); classes];
        let kept = classes <= MOST_CONFUSED;
        let mut confusion = kept.then(|| vec![vec![0; classes]; classes]);
        for (&prediction, &label) in predictions.iter().zip(labels) {
            let (correct, total) = &mut per_class[label as usize];
            *correct += u64::from(prediction == label);
            *total += 1;
            if let Some(confusion) = &mut confusion {
                confusion[label as usize][prediction as usize] += 1;
            }
        }
        let correct = per_class.iter().map(|class| class.0).sum();
        let total = labels.len() as u64;
        Self {
            accuracy: share(correct, total).unwrap_or(0.0),
            interval95: wilson_interval(correct, total),
            correct,
            total,
            per_class: per_class
                .into_iter()
                .map(|(correct, total)| ClassScore {
                    correct,
                    total,
                    accuracy: share(correct, total),
                })
                .collect(),
            confusion,
        }
    }
}

fn share(correct: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| correct as f64 / total as f64)
}

/// Test accuracy after training on each of several predefined subsets of train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldScores {
    /// Mean accuracy over the folds.
    pub mean: f64,
    /// Sample standard deviation over the folds (divides by folds - 1); 0 for one fold.
    pub std: f64,
    /// Accuracy of each fold.
    pub accuracies: Vec<f64>,
    /// Training images of each fold.
    pub images: Vec<usize>,
}

impl FoldScores {
    /// `None` where there are no folds.
    pub(crate) fn new(accuracies: Vec<f64>, images: Vec<usize>) -> Option<Self> {
        if accuracies.is_empty() {
            return None;
        }
        let n = accuracies.len() as f64;
        let mean = accuracies.iter().sum::<f64>() / n;
        let squares: f64 = accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
        let std = if accuracies.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
        Some(Self { mean, std, accuracies, images })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_class() {
        let score = Score::new(&[0, 1, 1, 0], &[0, 0, 1, 2], 4);
        assert_eq!((score.correct, score.total, score.accuracy), (2, 4, 0.5));
        let counts: Vec<_> =
            score.per_class.iter().map(|c| (c.correct, c.total, c.accuracy)).collect();
        assert_eq!(counts, [(1, 2, Some(0.5)), (1, 1, Some(1.0)), (0, 1, Some(0.0)), (0, 0, None)]);
        let rows = [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0; 4]];
        assert_eq!(score.confusion.unwrap(), rows);
    }

    #[test]
    fn a_matrix_of_very_many_classes_is_not_kept() {
        let matrix = |classes| Score::new(&[0], &[0], classes).confusion;
        assert_eq!(matrix(MOST_CONFUSED).unwrap().len(), MOST_CONFUSED);
        assert_eq!(matrix(MOST_CONFUSED + 1), None);
    }

    #[test]
    fn fold_statistics() {
        let folds = FoldScores::new(vec![0.5, 0.6, 0.7], vec![10, 10, 10]).unwrap();
        assert!((folds.mean - 0.6).abs() < 1e-12 && (folds.std - 0.1).abs() < 1e-12);
        assert_eq!(FoldScores::new(vec![0.5], vec![10]).unwrap().std, 0.0);
        assert!(FoldScores::new(vec![], vec![]).is_none());
    }
}
