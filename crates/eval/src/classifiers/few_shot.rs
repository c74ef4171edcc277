//! A protocol with few labels: the classifier learns from a few images of every class, a random
//! subset of train.
//!
//! One subset of one image a class says little, so several are drawn and their spread is given
//! beside their mean. Whatever a protocol chooses it chooses within the subset: the labels of the
//! other images count as unknown. A subset of more images holds the one of fewer with the same
//! number, so that scores at several sizes differ by what was added and not by luck.

use dataset::{rows_by_class, splitmix64};
use serde::{Deserialize, Serialize};

use crate::protocols::SubsetScore;
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(labels_per_class: &[usize]) -> FewShotSettings {
        FewShotSettings { labels_per_class: labels_per_class.to_vec(), repeats: 5, seed: 0 }
    }

    #[test]
    fn numbers_below_one_and_classes_with_too_few_images_are_refused() {
        let labels = [0, 0, 0, 4, 4];
        assert_eq!(settings(&[1, 2]).check(&labels), Ok(()));
        let error = settings(&[1, 3]).check(&labels).unwrap_err();
        assert_eq!(error, Error::TooFewOfClass { class: 4, expected: 3, found: 2 });
        assert_eq!(
            error.to_string(),
            "expected at least 3 labeled training images of every class, found 2 of class 4"
        );
        for (bad, name) in [
            (settings(&[0]), "labels_per_class"),
            (FewShotSettings { repeats: 0, ..settings(&[1]) }, "repeats"),
        ] {
            let error = bad.check(&labels).unwrap_err();
            assert!(matches!(error, Error::BadSetting { name: found, .. } if found == name));
        }
    }

    #[test]
    fn subsets_and_seeds_give_other_images() {
        let labels = vec![0; 1000];
        let few = settings(&[10]);
        let first = few.rows(&labels, 10, 0).unwrap();
        assert_ne!(few.rows(&labels, 10, 1).unwrap(), first);
        let other = FewShotSettings { seed: 1, ..few };
        assert_ne!(other.rows(&labels, 10, 0).unwrap(), first);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_subset_has_as_many_of_every_class_and_holds_the_smaller_ones(
            labels in prop::collection::vec(0i64..3, 60..120), seed: u64, subset in 0u64..5,
        ) {
            let few = FewShotSettings { seed, ..settings(&[]) };
            let fewest = (0..3).map(|class| labels.iter().filter(|&&l| l == class).count());
            let fewest = fewest.min().unwrap();
            let mut smaller = Vec::new();
            for count in 1..=fewest {
                let rows = few.rows(&labels, count, subset).unwrap();
                prop_assert!(rows.is_sorted_by(|a, b| a < b));
                for class in 0..3 {
                    let of_class = rows.iter().filter(|&&row| labels[row as usize] == class);
                    prop_assert_eq!(of_class.count(), count);
                }
                prop_assert!(smaller.iter().all(|row| rows.contains(row)));
                smaller = rows;
            }
            prop_assert!(few.rows(&labels, fewest + 1, subset).is_err());
        }
    }
}
