//! How well predictions agree with labels, and how far to trust the number.

use run::wilson_interval;
use serde::{Deserialize, Serialize};

use crate::Predictions;
use crate::predictions::RANKED;

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

/// Agreement with the labels of one set of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Share of correctly classified images in 0..=1.
    pub accuracy: f64,
    /// Mean over the classes that occur of the share of their images that is correct.
    pub balanced_accuracy: f64,
    /// Mean over the classes of the harmonic mean of precision and recall; of classes that occur
    /// or are predicted.
    pub macro_f1: f64,
    /// Share of images whose class is among the five likeliest; `None` for fewer than six classes.
    pub top5: Option<f64>,
    /// Accuracy of always answering the most frequent class: its share of the images.
    pub chance: f64,
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
    /// # Reference
    /// Balanced accuracy and macro-F1 as scikit-learn's `balanced_accuracy_score` and `f1_score`
    /// with `average="macro"`.
    ///
    /// # Panics
    /// If the two have different lengths or a class is out of range: both come from checked
    /// features.
    pub fn new(predictions: &Predictions, labels: &[i64], classes: usize) -> Self {
        assert_eq!(predictions.len(), labels.len(), "one prediction a label");
        let mut counts = vec![ClassCounts::default(); classes];
        let kept = classes <= MOST_CONFUSED;
        let mut confusion = kept.then(|| vec![vec![0; classes]; classes]);
        for (prediction, &label) in predictions.best().zip(labels) {
            counts[label as usize].total += 1;
            counts[label as usize].correct += u64::from(prediction == label);
            counts[prediction as usize].predicted += 1;
            if let Some(confusion) = &mut confusion {
                confusion[label as usize][prediction as usize] += 1;
            }
        }
        let ranked = predictions.ranked().zip(labels);
        let top5 = ranked.filter(|(classes, label)| classes.contains(label)).count() as u64;
        let correct = counts.iter().map(|class| class.correct).sum();
        let largest = counts.iter().map(|class| class.total).max().unwrap_or(0);
        let total = labels.len() as u64;
        let share_of_all = |count| share(count, total).unwrap_or(0.0);
        Self {
            accuracy: share_of_all(correct),
            balanced_accuracy: mean(counts.iter().filter_map(ClassCounts::recall)),
            macro_f1: mean(counts.iter().filter_map(ClassCounts::f1)),
            top5: (classes > RANKED).then(|| share_of_all(top5)),
            chance: share_of_all(largest),
            interval95: wilson_interval(correct, total),
            correct,
            total,
            per_class: counts.iter().map(ClassCounts::score).collect(),
            confusion,
        }
    }
}

/// Images of a class, and images that were taken for it.
#[derive(Clone, Copy, Debug, Default)]
struct ClassCounts {
    correct: u64,
    total: u64,
    predicted: u64,
}

impl ClassCounts {
    fn recall(&self) -> Option<f64> {
        share(self.correct, self.total)
    }

    /// `None` for a class that neither occurs nor is predicted.
    fn f1(&self) -> Option<f64> {
        share(2 * self.correct, self.total + self.predicted)
    }

    fn score(&self) -> ClassScore {
        ClassScore { correct: self.correct, total: self.total, accuracy: self.recall() }
    }
}

fn share(correct: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| correct as f64 / total as f64)
}

/// The mean; 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Accuracy after training on each of several parts of train: predefined subsets, the subsets of
/// few labels, or all but a fold.
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
        let score = Score::new(&Predictions::single(&[0, 1, 1, 0]), &[0, 0, 1, 2], 4);
        assert_eq!((score.correct, score.total, score.accuracy), (2, 4, 0.5));
        let counts: Vec<_> =
            score.per_class.iter().map(|c| (c.correct, c.total, c.accuracy)).collect();
        assert_eq!(counts, [(1, 2, Some(0.5)), (1, 1, Some(1.0)), (0, 1, Some(0.0)), (0, 0, None)]);
        let rows = [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0; 4]];
        assert_eq!(score.confusion.unwrap(), rows);
        assert_eq!((score.chance, score.top5), (0.5, None));
        // Recall 1/2, 1 and 0; F1 2/4, 2/3 and 0; class 3 neither occurs nor is predicted.
        assert!((score.balanced_accuracy - 0.5).abs() < 1e-12);
        assert!((score.macro_f1 - (0.5 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_five_likeliest_classes_count_from_six_classes_on() {
        let scores = tch::Tensor::from_slice2(&[[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]; 3]);
        let predictions = Predictions::rank(&scores, &[0, 1, 2, 3, 4, 5]);
        let score = Score::new(&predictions, &[0, 4, 5], 6);
        assert_eq!((score.correct, score.top5), (1, Some(2.0 / 3.0)));
    }

    #[test]
    fn a_matrix_of_very_many_classes_is_not_kept() {
        let matrix = |classes| Score::new(&Predictions::single(&[0]), &[0], classes).confusion;
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
