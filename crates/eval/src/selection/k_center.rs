//! k-center greedy: always the image that is farthest from all that are labeled or picked.
//!
//! # Reference
//! O. Sener and S. Savarese, "Active learning for convolutional neural networks: a core-set
//! approach", 2018; T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance",
//! 1985, for the bound: the radius is at most twice the smallest possible.

use super::nearest::Nearest;
use super::{Coverage, Pick, Selection};
use crate::on_progress::{self, OnProgress};
use crate::{Gallery, Result};

impl Gallery {
    /// Picks `count` images, each the farthest by cosine distance from those `labeled` and those
    /// picked before; of equally far ones that with the lower row. Where nothing is labeled, the
    /// first is the image closest to the mean direction of all.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) where there are fewer images than `count`,
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn k_center(
        &self,
        labeled: Option<&Self>,
        count: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<Selection> {
        let (nearest, copies) = Nearest::new(self, labeled, count, on_progress)?;
        let distances = |row| self.distances_to_row(row);
        let (picks, coverage) =
            greedy(nearest, count, || self.most_central(), distances, on_progress)?;
        Ok(Selection { picks, coverage, copies })
    }
}

/// The algorithm, by any distance: `first` gives the row to begin with where nothing is labeled,
/// `distances` those of all rows to one.
fn greedy(
    mut nearest: Nearest,
    count: usize,
    first: impl FnOnce() -> usize,
    distances: impl Fn(usize) -> Vec<f64>,
    on_progress: OnProgress<'_>,
) -> Result<(Vec<Pick>, Coverage)> {
    let before = nearest.radius();
    let mut first = before.is_none().then_some(first);
    let mut picks = Vec::with_capacity(count);
    for done in 0..count {
        on_progress::report(on_progress, done, count)?;
        let row = match first.take() {
            Some(first) => first(),
            None => nearest.farthest().expect("fewer picks than images"),
        };
        picks.push(Pick { row, value: nearest.distance(row), cluster: None });
        nearest.add(row, &distances(row));
    }
    on_progress::report(on_progress, count, count)?;
    let after = nearest.radius().expect("an image was picked");
    Ok((picks, Coverage { before, after }))
}

#[cfg(test)]
mod tests;
