//! Images to look things up in by what an encoder makes of them: exact, and in blocks of the matrix
//! of similarities.
//!
//! Similarities are computed in float64, so that neighbors do not depend on the device's matrix
//! units. What is in memory besides the features is a block of the matrix, however many images
//! there are.

use dataset::Split;
use tch::{Kind, Tensor, no_grad};

use crate::extract::gather;
use crate::features::check_finite;
use crate::on_progress::{self, OnProgress};
use crate::{Error, FrozenEncoder, Result};

/// Rows of a block.
pub(crate) const ROWS: i64 = 1 << 10;
/// Columns of a block, a multiple of [`ROWS`]: 64 MiB of float64.
pub(crate) const COLUMNS: i64 = 1 << 13;

/// Features of length 1, `[images, features + 1]`, float64.
#[derive(Debug)]
pub struct Gallery {
    unit: Tensor,
}

/// The nearest images of a gallery for each query, nearest first.
#[derive(Debug)]
pub struct Neighbors {
    /// Cosine similarities, `[queries, k]`, float64.
    pub similarities: Tensor,
    /// Rows of the gallery, `[queries, k]`, int64.
    pub indices: Tensor,
}

/// An image of a gallery, seen from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Row of the gallery.
    pub row: usize,
    /// Cosine similarity, -1 to 1.
    pub cosine: f64,
}

impl Gallery {
    /// Keeps the directions of `x`, `[images, features]`, a float kind.
    ///
    /// # Errors
    /// [`Error::Empty`] for no images, [`Error::NonFinite`] where the encoder has diverged.
    pub fn new(x: &Tensor) -> Result<Self> {
        if x.size()[0] == 0 {
            return Err(Error::Empty { split: "gallery" });
        }
        check_finite(x)?;
        Ok(Self { unit: no_grad(|| directions(x)) })
    }

    /// Extracts the features of these splits, as [`FrozenEncoder::extract`] does.
    ///
    /// # Errors
    /// Its errors.
    pub fn extract(
        encoder: &FrozenEncoder,
        splits: &[&Split],
        batch: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<Self> {
        Ok(Self { unit: gather(encoder, splits, batch, &directions, on_progress)? })
    }

    /// Keeps the directions of rows of `features` numbers each, one after the other.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    ///
    /// # Panics
    /// If `rows` isn't whole rows.
    pub fn of_rows(rows: &[f32], features: usize) -> Result<Self> {
        assert!(features > 0 && rows.len().is_multiple_of(features), "whole rows");
        Self::new(&Tensor::from_slice(rows).view([-1, features as i64]))
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.count() as usize
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub(crate) fn count(&self) -> i64 {
        self.unit.size()[0]
    }

    /// The rows from `first` on, at most `most` of them.
    pub(crate) fn rows(&self, first: i64, most: i64) -> Tensor {
        self.unit.narrow(0, first, most.min(self.count() - first))
    }

    /// Keeps rows that have length 1 already.
    pub(crate) fn of_unit(unit: Tensor) -> Self {
        Self { unit }
    }

    /// The unit rows at these indices.
    pub(crate) fn take(&self, rows: &[i64]) -> Tensor {
        self.unit.index_select(0, &Tensor::from_slice(rows).to_device(self.unit.device()))
    }

    /// The cosine distance, 1 - cosine, of every image to that at `row`.
    pub(crate) fn distances_to_row(&self, row: usize) -> Vec<f64> {
        let cosines = no_grad(|| self.unit.mv(&self.unit.get(row as i64)));
        let cosines = Vec::<f64>::try_from(&cosines).expect("float64");
        cosines.into_iter().map(|cosine| (1.0 - cosine).max(0.0)).collect()
    }

    /// The cosine distance of every image to the nearest of `others`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where these have another number of features, [`Error::Interrupted`].
    pub(crate) fn distances_to(
        &self,
        others: &Self,
        on_progress: OnProgress<'_>,
    ) -> Result<Vec<f64>> {
        let [expected, found] = [self, others].map(|gallery| gallery.unit.size()[1]);
        if expected != found {
            return Err(Error::Mismatch {
                what: "number of features of the labeled images",
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
        let mut distances = Vec::with_capacity(self.len());
        for first in (0..self.count()).step_by(ROWS as usize) {
            on_progress::report(on_progress, first as usize, self.len())?;
            let found = no_grad(|| {
                others.search(&self.rows(first, ROWS), 1, None, &|_, _| {
                    std::ops::ControlFlow::Continue(())
                })
            })?;
            let cosines = Vec::<f64>::try_from(&found.similarities.view([-1])).expect("float64");
            distances.extend(cosines.into_iter().map(|cosine| (1.0 - cosine).max(0.0)));
        }
        Ok(distances)
    }

    /// The image closest to the mean direction of all; of equally close ones the first.
    pub(crate) fn most_central(&self) -> usize {
        let cosines =
            no_grad(|| self.unit.mv(&self.unit.mean_dim([0i64].as_slice(), false, Kind::Double)));
        let cosines = Vec::<f64>::try_from(&cosines).expect("float64");
        let mut best = 0;
        for (row, cosine) in cosines.iter().enumerate() {
            if *cosine > cosines[best] {
                best = row;
            }
        }
        best
    }

    /// The `k` nearest images of each query, or all where there are fewer.
    ///
    /// # Shapes
    /// `queries`: `[queries, features]`, a float kind, on the gallery's device.
    pub fn neighbors(&self, queries: &Tensor, k: usize) -> Neighbors {
        let go_on = |_: usize, _: usize| std::ops::ControlFlow::Continue(());
        let k = k.min(self.len()) as i64;
        let parts = (0..queries.size()[0]).step_by(ROWS as usize).map(|first| {
            let count = ROWS.min(queries.size()[0] - first);
            no_grad(|| {
                let queries = directions(&queries.narrow(0, first, count));
                self.search(&queries, k, None, &go_on)
            })
            .expect("nobody interrupts")
        });
        let (similarities, indices): (Vec<_>, Vec<_>) =
            parts.map(|part| (part.similarities, part.indices)).unzip();
        Neighbors {
            similarities: concat(&similarities, k, Kind::Double),
            indices: concat(&indices, k, Kind::Int64),
        }
    }

    /// The `k` nearest images of one query, `[1, features]`, the nearest first.
    pub fn nearest(&self, query: &Tensor, k: usize) -> Vec<Neighbor> {
        near(&self.neighbors(query, k))
    }

    /// The `k` nearest images of the image at `row`, the nearest first, without itself.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn around(&self, row: usize, k: usize) -> Vec<Neighbor> {
        let most = k.saturating_add(1).min(self.len()) as i64;
        let go_on = |_: usize, _: usize| std::ops::ControlFlow::Continue(());
        let found = no_grad(|| self.search(&self.rows(row as i64, 1), most, None, &go_on));
        let mut found = near(&found.expect("nobody interrupts"));
        found.retain(|near| near.row != row);
        found.truncate(k);
        found
    }

    /// The `k` nearest images of each of at most [`ROWS`] queries, unit rows. Where the queries are
    /// the gallery's own rows from `own` on, a multiple of [`ROWS`], no image is a neighbor of
    /// itself.
    pub(crate) fn search(
        &self,
        queries: &Tensor,
        k: i64,
        own: Option<i64>,
        on_progress: OnProgress<'_>,
    ) -> Result<Neighbors> {
        let mut best: Option<Neighbors> = None;
        for first in (0..self.count()).step_by(COLUMNS as usize) {
            on_progress::report(on_progress, own.unwrap_or(0) as usize, self.len())?;
            let images = self.rows(first, COLUMNS);
            let cosines = queries.matmul(&images.tr());
            if let Some(own) = own.filter(|own| (first..first + COLUMNS).contains(own)) {
                let mut itself = cosines.narrow(1, own - first, queries.size()[0]);
                let _ = itself.fill_diagonal_(f64::NEG_INFINITY, false);
            }
            let (similarities, indices) = cosines.topk(k.min(images.size()[0]), 1, true, true);
            let found = Neighbors { similarities, indices: indices + first };
            best = Some(match best {
                None => found,
                Some(before) => before.or(&found, k),
            });
        }
        Ok(best.expect("a gallery has images"))
    }
}

impl Neighbors {
    /// The `k` nearest of two lists for each query.
    fn or(&self, other: &Self, k: i64) -> Self {
        let both = Tensor::cat(&[&self.similarities, &other.similarities], 1);
        let indices = Tensor::cat(&[&self.indices, &other.indices], 1);
        let (similarities, places) = both.topk(k.min(both.size()[1]), 1, true, true);
        Self { similarities, indices: indices.gather(1, &places, false) }
    }
}

/// What was found for all queries, one after the other.
fn near(found: &Neighbors) -> Vec<Neighbor> {
    let rows = Vec::<i64>::try_from(&found.indices.view([-1])).expect("int64");
    let cosines = Vec::<f64>::try_from(&found.similarities.view([-1])).expect("float64");
    let pairs = rows.into_iter().zip(cosines);
    pairs
        .map(|(row, cosine)| Neighbor { row: row as usize, cosine: cosine.clamp(-1.0, 1.0) })
        .collect()
}

fn concat(chunks: &[Tensor], k: i64, kind: Kind) -> Tensor {
    match chunks {
        [] => Tensor::zeros([0, k], (kind, tch::Device::Cpu)),
        _ => Tensor::cat(chunks, 0),
    }
}

/// Rows of length 1, however short they were, and one more column: 1 for a row of zeros, else 0.
///
/// A row of zeros has no direction. With a direction of its own it has the cosine 1 with other such
/// rows, as copies of one image must, and 0 with all others.
fn directions(x: &Tensor) -> Tensor {
    let x = x.to_kind(Kind::Double);
    // Short rows would lose digits when squared.
    let largest = x.abs().amax([1i64].as_slice(), true);
    let zero = largest.eq(0.0);
    let x = x / largest.masked_fill(&zero, 1.0);
    let length = x.square().sum_dim_intlist([1i64].as_slice(), true, None).sqrt();
    Tensor::cat(&[x / length.masked_fill(&zero, 1.0), zero.to_kind(Kind::Double)], 1)
}

#[cfg(test)]
mod tests;
