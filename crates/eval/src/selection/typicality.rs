//! Typicality by cluster: the most typical image of each cluster that has no label yet.
//!
//! # Reference
//! G. Hacohen, A. Dekel and D. Weinshall, "Active learning on a budget: opposite strategies suit
//! high and low budgets", 2022 (TypiClust).
//!
//! # Differs from the paper
//! Density is the mean cosine of the nearest images instead of the inverse of their mean distance,
//! which is infinite for copies; clusters are made of the unlabeled images, and labeled ones count
//! for the cluster of the nearest center; clusters of fewer than five images are not left out, but
//! come last, as the smallest.

use std::cmp::Reverse;

use tch::{Kind, no_grad};

use super::nearest::Nearest;
use super::{Coverage, Pick, Selection};
use crate::on_progress::{self, OnProgress};
use crate::retrieval::ROWS;
use crate::{Clusters, Gallery, KMeansSettings, Result};

/// How to select by typicality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypicalitySettings {
    /// Neighbors that density is the mean over.
    pub neighbors: usize,
    /// Upper bound of the number of clusters, which is that of labeled and picked images together.
    pub max_clusters: usize,
    /// Decides where k-means begins.
    pub seed: u64,
}

impl Default for TypicalitySettings {
    fn default() -> Self {
        Self { neighbors: 20, max_clusters: 500, seed: 0 }
    }
}

/// A cluster that is picked from.
#[derive(Default)]
struct Members {
    /// Rows of its images.
    rows: Vec<usize>,
    /// Labeled and picked images.
    labeled: usize,
    /// Rows that can be picked with their densities, the densest last; made when needed.
    ranked: Option<Vec<(usize, f64)>>,
    /// Rows that can still be picked.
    left: usize,
}

impl Gallery {
    /// Picks `count` images: one after the other the densest image of the cluster with the fewest
    /// labeled and picked images; of such clusters the largest, of equally dense images that with
    /// the lower row.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) where there are fewer images than `count`,
    /// [`Error::BadSetting`](crate::Error::BadSetting) for settings of 0,
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn typical(
        &self,
        labeled: Option<&Self>,
        count: usize,
        settings: &TypicalitySettings,
        on_progress: OnProgress<'_>,
    ) -> Result<Selection> {
        let (mut nearest, copies) = Nearest::new(self, labeled, count, on_progress)?;
        let before = nearest.radius();
        let clusters = labeled.map_or(0, Self::len).saturating_add(count);
        let k_means = KMeansSettings {
            seed: settings.seed,
            ..KMeansSettings::new(clusters.min(settings.max_clusters))
        };
        let clusters = self.k_means(&k_means, on_progress)?;
        let mut members = members(&clusters, &nearest, labeled);
        let mut picks = Vec::with_capacity(count);
        for done in 0..count {
            on_progress::report(on_progress, done, count)?;
            let open = members.iter().enumerate().filter(|(_, members)| members.left > 0);
            let next =
                open.min_by_key(|(_, members)| (members.labeled, Reverse(members.rows.len())));
            let (cluster, _) = next.expect("fewer picks than images");
            let found = &mut members[cluster];
            if found.ranked.is_none() {
                let ranked = self.by_density(&found.rows, settings.neighbors);
                found.ranked =
                    Some(ranked.into_iter().filter(|(row, _)| !nearest.is_out(*row)).collect());
            }
            let ranked = found.ranked.as_mut().and_then(Vec::pop);
            let (row, density) = ranked.expect("an image is left");
            found.left -= 1;
            found.labeled += 1;
            picks.push(Pick { row, value: Some(density), cluster: Some(cluster) });
            nearest.add(row, &self.distances_to_row(row));
        }
        on_progress::report(on_progress, count, count)?;
        let after = nearest.radius().expect("an image was picked");
        Ok(Selection { picks, coverage: Coverage { before, after }, copies })
    }

    /// These rows with their densities among each other, the densest last, of equally dense ones
    /// that with the lower row.
    fn by_density(&self, rows: &[usize], neighbors: usize) -> Vec<(usize, f64)> {
        let indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let all = Self::of_unit(self.take(&indices));
        let k = neighbors.max(1).min(rows.len() - 1) as i64;
        let mut ranked = Vec::with_capacity(rows.len());
        for first in (0..all.count()).step_by(ROWS as usize) {
            let densities = if k == 0 {
                // A cluster of one image has no neighbors.
                vec![0.0]
            } else {
                let found = all.search(&all.rows(first, ROWS), k, Some(first), &|_, _| {
                    std::ops::ControlFlow::Continue(())
                });
                let found = no_grad(|| found.expect("nobody interrupts").similarities);
                let means = found.mean_dim([1i64].as_slice(), false, Kind::Double);
                Vec::<f64>::try_from(&means).expect("float64")
            };
            ranked.extend(rows[first as usize..].iter().copied().zip(densities));
        }
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        ranked
    }
}

/// The clusters, to pick from.
fn members(clusters: &Clusters, nearest: &Nearest, labeled: Option<&Gallery>) -> Vec<Members> {
    let mut members: Vec<Members> = clusters.sizes.iter().map(|_| Members::default()).collect();
    for (row, &cluster) in clusters.labels.iter().enumerate() {
        let found = &mut members[cluster as usize];
        found.rows.push(row);
        found.left += usize::from(!nearest.is_out(row));
    }
    for cluster in labeled.map(|labeled| clusters.assign(labeled)).unwrap_or_default() {
        members[cluster].labeled += 1;
    }
    members
}

#[cfg(test)]
mod tests;
