//! The kNN protocol: weighted nearest neighbors classify the test images.

use serde::{Deserialize, Serialize};

use super::cross_validation::{CrossValidation, FoldResult, cross_validate};
use crate::classifiers::few_shot::SubsetScore;
use crate::{Features, FoldScores, Knn, KnnSettings, Result, Score};

/// Result of the nearest-neighbor protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnnReport {
    /// Score on the test split or, without one, on all folds of train together.
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
    /// Accuracy over folds of train, where there is no test split.
    pub cross_validation: Option<CrossValidation>,
}

/// Classifies `test` by its neighbors in `train`, and in each fold of it.
pub(super) fn evaluate(
    train: &Features,
    test: &Features,
    folds: &[Vec<u32>],
    classes: usize,
    settings: &KnnSettings,
) -> Result<KnnReport> {
    let mut accuracies = Vec::with_capacity(folds.len());
    for fold in folds {
        accuracies.push(on_subset(&train.select(fold)?, test, classes, settings)?.accuracy);
    }
    let knn = Knn::new(train, settings)?;
    let score = Score::new(&knn.rank(test.x()), &test.label_vec(), classes);
    let folds = FoldScores::new(accuracies, folds.iter().map(Vec::len).collect());
    Ok(KnnReport { folds, ..report(&knn, train, settings, score) })
}

/// Classifies each fold of `train` by its neighbors in the others.
pub(super) fn evaluate_by_folds(
    train: &Features,
    classes: usize,
    settings: &KnnSettings,
) -> Result<KnnReport> {
    let found = cross_validate(train, classes, |others, fold| {
        let predictions = Knn::new(others, settings)?.rank(fold.x());
        Ok(FoldResult { predictions, chosen: None, converged: true })
    })?;
    let knn = Knn::new(train, settings)?;
    let report = report(&knn, train, settings, found.all);
    Ok(KnnReport { cross_validation: Some(found.by_fold), ..report })
}

fn report(knn: &Knn, train: &Features, settings: &KnnSettings, test: Score) -> KnnReport {
    KnnReport {
        test,
        k: knn.k(),
        temperature: settings.temperature,
        train_images: train.len(),
        features: train.dim(),
        folds: None,
        cross_validation: None,
    }
}

/// Classifies `test` by its neighbors in `train`, a part of the training images.
pub(super) fn on_subset(
    train: &Features,
    test: &Features,
    classes: usize,
    settings: &KnnSettings,
) -> Result<SubsetScore> {
    let knn = Knn::new(train, settings)?;
    Ok(SubsetScore {
        accuracy: Score::new(&knn.rank(test.x()), &test.label_vec(), classes).accuracy,
        chosen: None,
        converged: true,
    })
}
