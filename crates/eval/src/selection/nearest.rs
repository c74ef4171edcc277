//! The distance of every image to the nearest of a growing set.

use crate::on_progress::OnProgress;
use crate::{Error, Gallery, Result};

/// An image this close to a labeled one is a copy of it, up to rounding of the features.
const COPY: f64 = 1e-11;

/// Covering radius: the largest cosine distance of an image to the nearest labeled one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// With the images that were labeled before; `None` where there were none.
    pub before: Option<f64>,
    /// With the picked ones as well.
    pub after: f64,
}

/// See the module.
pub(super) struct Nearest {
    distances: Vec<f64>,
    /// Images that can't be picked any more.
    out: Vec<bool>,
}

impl Nearest {
    /// The distances to the labeled images, infinite where there are none, and the number of
    /// images that are copies of them, which are out.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the two galleries have other numbers of features or fewer than
    /// `count` images are left, [`Error::Interrupted`].
    pub fn new(
        images: &Gallery,
        labeled: Option<&Gallery>,
        count: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<(Self, usize)> {
        let distances = match labeled {
            Some(labeled) => images.distances_to(labeled, on_progress)?,
            None => vec![f64::INFINITY; images.len()],
        };
        let out: Vec<bool> = distances.iter().map(|&distance| distance <= COPY).collect();
        let copies = out.iter().filter(|&&out| out).count();
        let left = images.len() - copies;
        if count == 0 || count > left {
            return Err(Error::Mismatch {
                what: "images to select",
                expected: format!("1 to {left}, the unlabeled images"),
                found: count.to_string(),
            });
        }
        Ok((Self { distances, out }, copies))
    }

    /// Of so many images, none of them labeled.
    #[cfg(test)]
    pub fn unlabeled(images: usize) -> Self {
        Self { distances: vec![f64::INFINITY; images], out: vec![false; images] }
    }

    /// The radius; `None` where nothing is labeled.
    pub fn radius(&self) -> Option<f64> {
        let largest = self.distances.iter().copied().fold(0.0, f64::max);
        largest.is_finite().then_some(largest)
    }

    /// The distance of the image at `row`; `None` where nothing is labeled.
    pub fn distance(&self, row: usize) -> Option<f64> {
        let distance = self.distances[row];
        distance.is_finite().then_some(distance)
    }

    /// Whether the image at `row` can't be picked.
    pub fn is_out(&self, row: usize) -> bool {
        self.out[row]
    }

    /// The farthest image that can be picked; of equally far ones the first.
    pub fn farthest(&self) -> Option<usize> {
        let mut best: Option<usize> = None;
        for row in (0..self.distances.len()).filter(|&row| !self.out[row]) {
            if best.is_none_or(|best| self.distances[row] > self.distances[best]) {
                best = Some(row);
            }
        }
        best
    }

    /// Takes the image at `row` into the set; `distances` are those of all images to it.
    pub fn add(&mut self, row: usize, distances: &[f64]) {
        for (nearest, distance) in self.distances.iter_mut().zip(distances) {
            *nearest = nearest.min(*distance);
        }
        self.distances[row] = 0.0;
        self.out[row] = true;
    }
}
