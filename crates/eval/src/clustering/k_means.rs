//! k-means on unit-length features.
//!
//! # Reference
//! S. P. Lloyd, "Least squares quantization in PCM", 1982; D. Arthur and S. Vassilvitskii,
//! "k-means++: the advantages of careful seeding", 2007.

use dataset::splitmix64;
use tch::{Device, Kind, Tensor, no_grad};

use crate::on_progress::{self, OnProgress};
use crate::retrieval::ROWS;
use crate::{Error, Gallery, Result};

/// What rounding may make of the distance of an image to a copy of it.
const ROUNDING: f64 = 1e-12;

/// How to cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KMeansSettings {
    /// Number of clusters, at least 1.
    pub clusters: usize,
    /// Decides which images the centers begin at.
    pub seed: u64,
    /// Upper bound of the number of passes over the images.
    pub max_iterations: usize,
}

impl KMeansSettings {
    /// So many clusters, by seed 0.
    pub fn new(clusters: usize) -> Self {
        Self { clusters, seed: 0, max_iterations: 100 }
    }
}

/// Clusters of the images of a gallery, the largest first; of equally large ones that with the
/// lower first row.
#[derive(Debug)]
pub struct Clusters {
    /// The cluster of each image, from 0.
    pub labels: Vec<u32>,
    /// Images of each cluster.
    pub sizes: Vec<usize>,
    /// Mean squared distance of the unit-length features to the center of their cluster.
    pub inertia: f64,
    /// Whether the last pass moved no image to another cluster.
    pub converged: bool,
    /// Means of the clusters' unit-length features, `[clusters, features]`, float64.
    centers: Tensor,
}

impl Gallery {
    /// Clusters the images by k-means, begun by k-means++. There are fewer clusters where fewer
    /// images differ. An image that is equally close to two centers belongs to the one that was
    /// chosen first; a center that loses all its images stays, and its cluster may be empty.
    ///
    /// # Errors
    /// [`Error::BadSetting`] for no clusters, [`Error::Interrupted`].
    pub fn k_means(
        &self,
        settings: &KMeansSettings,
        on_progress: OnProgress<'_>,
    ) -> Result<Clusters> {
        if settings.clusters == 0 {
            let found = settings.clusters.to_string();
            return Err(Error::BadSetting { name: "clusters", expected: "at least 1", found });
        }
        no_grad(|| {
            let mut centers = self.starts(settings, on_progress)?;
            let mut labels = Vec::new();
            let (mut inertia, mut converged) = (0.0, false);
            for _ in 0..settings.max_iterations.max(1) {
                let pass = self.pass(&centers, on_progress)?;
                inertia = pass.squares / self.len() as f64;
                converged = pass.labels == labels;
                labels = pass.labels;
                if converged {
                    break;
                }
                centers = moved(&centers, &pass.sums, &pass.counts);
            }
            Ok(Clusters::ordered(labels, &centers, inertia, converged))
        })
    }

    /// Rows to begin at: the first at random, each further one with a probability proportional to
    /// its squared distance to the nearest before.
    fn starts(&self, settings: &KMeansSettings, on_progress: OnProgress<'_>) -> Result<Tensor> {
        let uniform = |draw: u64| {
            let bits = splitmix64(splitmix64(settings.seed).wrapping_add(draw));
            (bits >> 11) as f64 / (1u64 << 53) as f64
        };
        let first = (uniform(0) * self.len() as f64) as usize;
        let mut rows = vec![first as i64];
        let distances = |row| {
            let distances = self.distances_to_row(row).into_iter();
            distances.map(|distance| if distance > ROUNDING { distance } else { 0.0 })
        };
        let mut nearest: Vec<f64> = distances(first).collect();
        while rows.len() < settings.clusters.min(self.len()) {
            on_progress::report(on_progress, 0, self.len())?;
            let total: f64 = nearest.iter().sum();
            let mut left = uniform(rows.len() as u64) * total;
            // The last that is any distance away, should rounding leave something.
            let Some(mut row) = nearest.iter().rposition(|&distance| distance > 0.0) else { break };
            for (at, distance) in nearest.iter().enumerate() {
                left -= distance;
                if left < 0.0 {
                    row = at;
                    break;
                }
            }
            rows.push(row as i64);
            for (near, new) in nearest.iter_mut().zip(distances(row)) {
                *near = near.min(new);
            }
        }
        Ok(self.take(&rows))
    }

    /// Assigns every image to its nearest center.
    fn pass(&self, centers: &Tensor, on_progress: OnProgress<'_>) -> Result<Pass> {
        let host = (Kind::Double, Device::Cpu);
        let (clusters, features) = (centers.size()[0], centers.size()[1]);
        let mut pass = Pass {
            labels: Vec::with_capacity(self.len()),
            sums: Tensor::zeros([clusters, features], host),
            counts: vec![0; clusters as usize],
            squares: 0.0,
        };
        for first in (0..self.count()).step_by(ROWS as usize) {
            on_progress::report(on_progress, 0, self.len())?;
            let rows = self.rows(first, ROWS);
            let (labels, scores) = nearest(&rows, centers);
            // |x - c|^2 = 1 + |c|^2 - 2 x c, of unit rows.
            let squares = 1f64 - scores * 2.0;
            pass.squares += squares.clamp_min(0.0).sum(Kind::Double).double_value(&[]);
            // On the host, where sums have one order.
            let labels = labels.to_device(Device::Cpu);
            let _ = pass.sums.index_add_(0, &labels, &rows.to_device(Device::Cpu));
            for label in Vec::<i64>::try_from(&labels).expect("int64") {
                pass.counts[label as usize] += 1;
                pass.labels.push(label as u32);
            }
        }
        Ok(pass)
    }
}

/// What a pass over the images found.
struct Pass {
    labels: Vec<u32>,
    /// Sums of the features of each cluster, and numbers of its images.
    sums: Tensor,
    counts: Vec<usize>,
    /// Sum of squared distances.
    squares: f64,
}

/// The nearest center of each row, the first of equal ones, and x c - |c|^2 / 2 for it.
fn nearest(rows: &Tensor, centers: &Tensor) -> (Tensor, Tensor) {
    let half = centers.square().sum_dim_intlist([1i64].as_slice(), false, Kind::Double) * 0.5;
    let (scores, labels) = (rows.matmul(&centers.tr()) - half).max_dim(1, false);
    (labels, scores)
}

/// The means of the clusters; the former center of an empty one.
fn moved(centers: &Tensor, sums: &Tensor, counts: &[usize]) -> Tensor {
    let counts: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
    let counts = Tensor::from_slice(&counts).unsqueeze(1);
    let means = sums / counts.clamp_min(1.0);
    let centers_on = centers.device();
    means.where_self(&counts.gt(0.0), &centers.to_device(Device::Cpu)).to_device(centers_on)
}

impl Clusters {
    fn ordered(labels: Vec<u32>, centers: &Tensor, inertia: f64, converged: bool) -> Self {
        let clusters = centers.size()[0] as usize;
        let mut found = vec![(0usize, usize::MAX); clusters];
        for (row, &label) in labels.iter().enumerate() {
            let (size, first) = &mut found[label as usize];
            *size += 1;
            *first = row.min(*first);
        }
        let mut order: Vec<usize> = (0..clusters).collect();
        order.sort_by_key(|&cluster| (std::cmp::Reverse(found[cluster].0), found[cluster].1));
        let mut rank = vec![0; clusters];
        for (place, &cluster) in order.iter().enumerate() {
            rank[cluster] = place as u32;
        }
        let rows: Vec<i64> = order.iter().map(|&cluster| cluster as i64).collect();
        let rows = Tensor::from_slice(&rows).to_device(centers.device());
        Self {
            labels: labels.into_iter().map(|label| rank[label as usize]).collect(),
            sizes: order.iter().map(|&cluster| found[cluster].0).collect(),
            inertia,
            converged,
            centers: centers.index_select(0, &rows),
        }
    }

    /// Number of clusters.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The cluster of the nearest center of each image of another gallery.
    pub fn assign(&self, gallery: &Gallery) -> Vec<usize> {
        let mut labels = Vec::with_capacity(gallery.len());
        for first in (0..gallery.count()).step_by(ROWS as usize) {
            let (found, _) = no_grad(|| nearest(&gallery.rows(first, ROWS), &self.centers));
            let found = Vec::<i64>::try_from(&found).expect("int64");
            labels.extend(found.into_iter().map(|label| label as usize));
        }
        labels
    }
}

#[cfg(test)]
mod tests;
