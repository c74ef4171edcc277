//! A protocol with few labels: the classifier learns from a few images of every class, a random
//! subset of train.
//!
//! One subset of one image a class says little, so several are drawn and their spread is given
//! beside their mean. Whatever a protocol chooses it chooses within the subset: the labels of the
//! other images count as unknown. A subset of more images holds the one of fewer with the same
//! number, so that scores at several sizes differ by what was added and not by luck.

use dataset::{rows_by_class, splitmix64};
use serde::{Deserialize, Serialize};

use crate::{Error, FoldScores, Result};

/// How many labels, and how many subsets with so many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FewShotSettings {
    /// Labeled images of every class, each at least 1; scored one after the other.
    pub labels_per_class: Vec<usize>,
    /// Subsets of each size, at least 1.
    pub repeats: usize,
    /// Decides which images are in them.
    pub seed: u64,
}

impl FewShotSettings {
    /// Whether so many images can be drawn from a set with these labels.
    ///
    /// # Errors
    /// [`Error::BadSetting`] for a number below 1, [`Error::TooFewOfClass`] where a class has fewer
    /// images.
    pub fn check(&self, labels: &[i64]) -> Result<()> {
        let numbers = self.labels_per_class.iter().copied();
        for (name, number) in
            numbers.map(|number| ("labels_per_class", number)).chain([("repeats", self.repeats)])
        {
            if number == 0 {
                return Err(Error::BadSetting {
                    name,
                    expected: "at least 1",
                    found: number.to_string(),
                });
            }
        }
        let most = self.labels_per_class.iter().max();
        most.map_or(Ok(()), |&most| self.rows(labels, most, 0).map(drop))
    }

    /// The rows of `labels` in the subset number `subset` of `count` images a class, ascending.
    ///
    /// # Errors
    /// [`Error::TooFewOfClass`].
    pub fn rows(&self, labels: &[i64], count: usize, subset: u64) -> Result<Vec<u32>> {
        let seed = splitmix64(splitmix64(self.seed).wrapping_add(subset));
        let mut rows = Vec::new();
        for class in rows_by_class(labels, seed) {
            let found = class.rows.len();
            if found < count {
                let class = class.label as usize;
                return Err(Error::TooFewOfClass { class, expected: count, found });
            }
            rows.extend(&class.rows[..count]);
        }
        rows.sort_unstable();
        Ok(rows)
    }
}

/// Accuracy with so many labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FewShotScores {
    /// Labeled images of every class.
    pub labels_per_class: usize,
    /// Random seed of the subsets.
    pub seed: u64,
    /// Over the subsets.
    pub subsets: FoldScores,
    /// What was chosen in each subset, `C` or a learning rate; `None` where the protocol
    /// chooses nothing.
    pub chosen: Option<Vec<f64>>,
    /// Whether every regression reached its tolerance; true where there was none.
    pub converged: bool,
}

/// The score of a classifier that learned from a part of the training images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SubsetScore {
    /// On the test split or, without one, on the other training images.
    pub accuracy: f64,
    /// The hyper-parameter that was chosen, where there is a choice.
    pub chosen: Option<f64>,
    /// Whether every regression reached its tolerance.
    pub converged: bool,
}

/// Accuracy with few labels, by anything that learns: `learn` gets the rows of a subset.
///
/// # Errors
/// Those of `learn` and of [`FewShotSettings::check`].
pub(crate) fn subset_scores(
    labels: &[i64],
    settings: &FewShotSettings,
    mut learn: impl FnMut(&[u32]) -> Result<SubsetScore>,
) -> Result<Vec<FewShotScores>> {
    settings.check(labels)?;
    let mut scores = Vec::new();
    for &count in &settings.labels_per_class {
        let mut found = Vec::new();
        for subset in 0..settings.repeats as u64 {
            found.push(learn(&settings.rows(labels, count, subset)?)?);
        }
        let accuracies = found.iter().map(|one| one.accuracy).collect();
        let images = vec![count * labels_of(labels); settings.repeats];
        scores.push(FewShotScores {
            labels_per_class: count,
            seed: settings.seed,
            subsets: FoldScores::new(accuracies, images).expect("at least one subset"),
            chosen: found.iter().map(|one| one.chosen).collect(),
            converged: found.iter().all(|one| one.converged),
        });
    }
    Ok(scores)
}

/// Number of different labels.
pub(crate) fn labels_of(labels: &[i64]) -> usize {
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    labels.dedup();
    labels.len()
}

#[cfg(test)]
mod tests;
