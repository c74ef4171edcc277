//! Weighted nearest-neighbor classification by cosine similarity.
//!
//! # Reference
//! Wu et al., "Unsupervised feature learning via non-parametric instance discrimination", arXiv
//! 1805.01978, section 3.4; k and temperature as in DINO, arXiv 2104.14294, and as usual for small
//! sets.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};

use crate::{Error, Features, Gallery, Neighbors, Predictions, Result};

/// How many neighbors vote, and how much nearer ones count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnnSettings {
    /// Number of neighbors; all training images vote where there are fewer.
    pub k: usize,
    /// Temperature `T` of the vote `exp(cosine / T)`.
    pub temperature: f64,
}

impl Default for KnnSettings {
    fn default() -> Self {
        Self { k: 20, temperature: 0.07 }
    }
}

impl KnnSettings {
    fn check(&self) -> Result<()> {
        if self.k == 0 {
            let found = self.k.to_string();
            return Err(Error::BadSetting { name: "k", expected: "at least 1", found });
        }
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            let found = self.temperature.to_string();
            return Err(Error::BadSetting {
                name: "temperature",
                expected: "a positive number",
                found,
            });
        }
        Ok(())
    }
}

/// A training set to look neighbors up in.
#[derive(Debug)]
pub struct Knn {
    train: Gallery,
    labels: Tensor,
    classes: i64,
    k: i64,
    temperature: f64,
}

impl Knn {
    /// Normalizes the training features. `k` is bounded by the number of training images.
    ///
    /// # Errors
    /// [`Error::Empty`] for no training images, [`Error::BadSetting`] for `k` 0 or a temperature
    /// that is not a positive number.
    pub fn new(train: &Features, settings: &KnnSettings) -> Result<Self> {
        train.check_not_empty("train")?;
        settings.check()?;
        Ok(Self {
            train: Gallery::new(train.x())?,
            labels: train.labels().shallow_clone(),
            classes: train.labels().max().int64_value(&[]) + 1,
            k: settings.k.min(train.len()) as i64,
            temperature: settings.temperature,
        })
    }

    /// The number of neighbors that vote.
    pub fn k(&self) -> usize {
        self.k as usize
    }

    /// The `k` nearest training images of each query.
    ///
    /// # Shapes
    /// `queries`: `[queries, features]`, a float kind.
    pub fn neighbors(&self, queries: &Tensor) -> Neighbors {
        self.train.neighbors(queries, self.k())
    }

    /// Votes for each class: the sum of `exp((cosine - nearest cosine) / T)` over its neighbors.
    ///
    /// Taking the nearest neighbor's cosine away divides all votes of a query by the same number.
    /// It changes no prediction and lets no temperature overflow.
    ///
    /// # Shapes
    /// The result is `[queries, classes]`, float64, classes up to the largest training label.
    pub fn scores(&self, neighbors: &Neighbors) -> Tensor {
        no_grad(|| {
            let Neighbors { similarities, indices } = neighbors;
            let nearest = similarities.narrow(1, 0, 1);
            let votes = ((similarities - nearest) / self.temperature).exp();
            let voters = self.labels.index_select(0, &indices.view([-1])).view_as(indices);
            let none =
                Tensor::zeros([indices.size()[0], self.classes], (Kind::Double, votes.device()));
            none.scatter_add(1, &voters, &votes)
        })
    }

    /// The labels with the most votes for each query; labels without a vote are left out.
    pub fn rank(&self, queries: &Tensor) -> Predictions {
        let votes = self.scores(&self.neighbors(queries));
        let labels: Vec<i64> = (0..self.classes).collect();
        let none = votes.le(0.0);
        Predictions::rank(&votes.masked_fill(&none, f64::NEG_INFINITY), &labels)
    }

    /// The predicted label of each query: most votes, the lower label where two have equally many.
    pub fn predict(&self, queries: &Tensor) -> Vec<i64> {
        let best = self.scores(&self.neighbors(queries)).argmax(1, false);
        Vec::try_from(&best).expect("a vector of int64")
    }
}
