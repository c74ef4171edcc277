//! Images that are like no others.

use tch::no_grad;

use crate::on_progress::{self, OnProgress};
use crate::retrieval::gallery::ROWS;
use crate::{Error, Gallery, Result};

/// An image that is far from its neighbors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlier {
    /// Row of the gallery.
    pub row: usize,
    /// Mean of 1 - cosine over its nearest images, 0 to 2.
    pub distance: f64,
}

impl Gallery {
    /// The `count` images whose mean cosine distance to their `k` nearest others is largest, the
    /// farthest first; of equally far ones that with the lower row.
    ///
    /// # Errors
    /// [`Error::BadSetting`] for `k` 0, [`Error::Mismatch`] for fewer than 2 images,
    /// [`Error::Interrupted`].
    pub fn outliers(
        &self,
        count: usize,
        k: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<Vec<Outlier>> {
        if k == 0 {
            return Err(Error::BadSetting {
                name: "k",
                expected: "at least 1",
                found: k.to_string(),
            });
        }
        let images = self.count();
        if images < 2 {
            return Err(Error::Mismatch {
                what: "images to tell outliers among",
                expected: "at least 2".to_owned(),
                found: images.to_string(),
            });
        }
        let k = k.min(self.len() - 1) as i64;
        let mut distances = Vec::with_capacity(images as usize);
        for first in (0..images).step_by(ROWS as usize) {
            let rows = self.rows(first, ROWS);
            let found = no_grad(|| self.search(&rows, k, Some(first), on_progress))?;
            let means = 1f64 - found.similarities.mean_dim([1i64].as_slice(), false, None);
            distances.extend(Vec::<f64>::try_from(&means).expect("float64"));
        }
        on_progress::report(on_progress, images as usize, images as usize)?;
        let mut outliers: Vec<Outlier> = distances
            .into_iter()
            .enumerate()
            .map(|(row, distance)| Outlier { row, distance: distance.max(0.0) })
            .collect();
        outliers.sort_by(|a, b| b.distance.total_cmp(&a.distance));
        outliers.truncate(count);
        Ok(outliers)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use tch::Tensor;

    use super::*;

    const GO_ON: OnProgress<'static> = &|_, _| ControlFlow::Continue(());

    #[test]
    fn the_farthest_comes_first_at_its_mean_distance() {
        // East three times, north-east, and south: the mean over two neighbors.
        let rows = [1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, -3.0];
        let gallery = Gallery::new(&Tensor::from_slice(&rows).view([5, 2])).unwrap();
        let found = gallery.outliers(3, 2, GO_ON).unwrap();
        let rows: Vec<usize> = found.iter().map(|outlier| outlier.row).collect();
        assert_eq!(rows, [4, 3, 0]);
        let expected = [1.0, 1.0 - std::f64::consts::FRAC_1_SQRT_2, 0.0];
        for (outlier, expected) in found.iter().zip(expected) {
            assert!((outlier.distance - expected).abs() < 1e-12, "{found:?}");
        }
        // No more neighbors than there are, no more outliers than images.
        let all = gallery.outliers(9, 9, GO_ON).unwrap();
        assert_eq!((all.len(), all[0].row), (5, 4));
        // Three cosines of 0, and one of 135 degrees.
        let expected = 1.0 + std::f64::consts::FRAC_1_SQRT_2 / 4.0;
        assert!((all[0].distance - expected).abs() < 1e-12, "{all:?}");
    }

    #[test]
    fn rows_of_later_blocks_are_not_their_own_neighbors_either() {
        let count = ROWS + 3;
        let x = Tensor::from_slice(&[1.0, 0.0]).repeat([count, 1]);
        x.get(count - 1).copy_(&Tensor::from_slice(&[0.0, 1.0]));
        let found = Gallery::new(&x).unwrap().outliers(2, 1, GO_ON).unwrap();
        assert_eq!(found[0].row, count as usize - 1);
        assert!((found[0].distance - 1.0).abs() < 1e-12, "{found:?}");
        assert!(found[1].distance < 1e-12 && found[1].row == 0, "{found:?}");
    }

    #[test]
    fn what_can_not_be_asked_for_is_an_error() {
        let of = |images| {
            let x = Tensor::ones([images, 2], (tch::Kind::Float, tch::Device::Cpu));
            Gallery::new(&x).unwrap()
        };
        assert!(matches!(of(3).outliers(1, 0, GO_ON), Err(Error::BadSetting { .. })));
        let alone = of(1).outliers(1, 1, GO_ON).unwrap_err().to_string();
        assert_eq!(alone, "images to tell outliers among: expected at least 2, found 1");
        let stop: OnProgress<'_> = &|_, _| ControlFlow::Break(());
        assert_eq!(of(3).outliers(1, 1, stop).unwrap_err(), Error::Interrupted);
    }
}
