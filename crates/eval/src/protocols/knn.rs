//! The kNN protocol: weighted nearest neighbors classify the test images.

use serde::{Deserialize, Serialize};

use crate::protocols::SubsetScore;
use crate::{Features, FoldScores, Knn, KnnSettings, Result, Score};

/// Result of the nearest-neighbor protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnnReport {
    /// Score on the test split.
    pub test: Score,
    /// Neighbors that voted: the setting, or all training images where there are fewer.
    pub k: usize,
    /// Temperature of the vote.
    pub temperature: f64,
    /// Training images.
    pub train_images: usize,
    /// Features of an image.
    pub features: usize,
    /// Test accuracy from each predefined subset of train, where the data set has such.
    pub folds: Option<FoldScores>,
}

/// Classifies `test` by its neighbors in `train`, and in each fold of it.
pub(crate) fn evaluate(
    train: &Features,
    test: &Features,
    folds: &[Vec<u32>],
    classes: usize,
    settings: &KnnSettings,
) -> Result<KnnReport> {
    let labels = test.label_vec();
    let mut accuracies = Vec::with_capacity(folds.len());
    for fold in folds {
        accuracies.push(on_subset(&train.select(fold)?, test, classes, settings)?.accuracy);
    }
    let knn = Knn::new(train, settings)?;
    Ok(KnnReport {
        test: Score::new(&knn.predict(test.x()), &labels, classes),
        k: knn.k(),
        temperature: settings.temperature,
        train_images: train.len(),
        features: train.dim(),
        folds: FoldScores::new(accuracies, folds.iter().map(Vec::len).collect()),
    })
}

/// Classifies `test` by its neighbors in `train`, a part of the training images.
pub(crate) fn on_subset(
    train: &Features,
    test: &Features,
    classes: usize,
    settings: &KnnSettings,
) -> Result<SubsetScore> {
    let knn = Knn::new(train, settings)?;
    Ok(SubsetScore {
        accuracy: Score::new(&knn.predict(test.x()), &test.label_vec(), classes).accuracy,
        chosen: None,
        converged: true,
    })
}
