//! Pairs of images that an encoder can hardly tell apart.

use std::collections::BTreeMap;

use tch::{Tensor, no_grad};

use crate::on_progress::{self, OnProgress};
use crate::retrieval::gallery::{COLUMNS, ROWS};
use crate::{Error, Gallery, Result};

/// What rounding may take from the cosine of an image with its copy.
const ROUNDING: f64 = 1e-12;

/// Two images of a gallery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Their rows, the lower first.
    pub rows: [usize; 2],
    /// Cosine similarity, -1 to 1.
    pub cosine: f64,
}

/// The pairs of a gallery that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicates {
    /// How many there are.
    pub found: u64,
    /// Those that are most alike, the most alike first; of equal ones that with the lower rows.
    pub pairs: Vec<Pair>,
}

impl Gallery {
    /// Every pair of images whose cosine is at least `threshold`; of them, `most` are listed.
    ///
    /// # Errors
    /// [`Error::BadSetting`] for a threshold that is no cosine, [`Error::Interrupted`].
    pub fn duplicates(
        &self,
        threshold: f64,
        most: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<Duplicates> {
        if !(-1.0..=1.0).contains(&threshold) {
            return Err(Error::BadSetting {
                name: "threshold",
                expected: "a cosine, -1 to 1",
                found: threshold.to_string(),
            });
        }
        let count = self.count();
        let mut all = Duplicates { found: 0, pairs: Vec::new() };
        for first in (0..count).step_by(ROWS as usize) {
            let images = self.rows(first, ROWS);
            // Pairs are looked at once, from the lower row.
            for other in (first..count).step_by(COLUMNS as usize) {
                on_progress::report(on_progress, first as usize, count as usize)?;
                let others = self.rows(other, COLUMNS);
                no_grad(|| all.add_block([&images, &others], [first, other], threshold, most));
            }
        }
        on_progress::report(on_progress, count as usize, count as usize)?;
        all.keep(most);
        Ok(all)
    }
}

impl Duplicates {
    /// The listed pairs joined into groups: rows that pairs lead from one to the other, ascending.
    /// The group of the most similar pair comes first.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut group_of: BTreeMap<usize, usize> = BTreeMap::new();
        for Pair { rows: [a, b], .. } in &self.pairs {
            match (group_of.get(a).copied(), group_of.get(b).copied()) {
                (None, None) => {
                    group_of.extend([(*a, groups.len()), (*b, groups.len())]);
                    groups.push(vec![*a, *b]);
                }
                (Some(group), None) | (None, Some(group)) => {
                    let new = if group_of.contains_key(a) { *b } else { *a };
                    group_of.insert(new, group);
                    groups[group].push(new);
                }
                (Some(one), Some(other)) if one != other => {
                    let (first, later) = (one.min(other), one.max(other));
                    let moved = std::mem::take(&mut groups[later]);
                    group_of.extend(moved.iter().map(|&row| (row, first)));
                    groups[first].extend(moved);
                }
                _ => {}
            }
        }
        groups.retain(|group| !group.is_empty());
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups
    }

    /// Adds the pairs of two blocks of rows that begin at the rows `first`, none beyond the `most`
    /// that are most alike.
    fn add_block(&mut self, images: [&Tensor; 2], first: [i64; 2], threshold: f64, most: usize) {
        let cosines = images[0].matmul(&images[1].tr());
        let places = cosines.ge(threshold - ROUNDING).nonzero();
        let rows = &places + Tensor::from_slice(&first).to_device(places.device());
        let once = rows.select(1, 0).lt_tensor(&rows.select(1, 1)).nonzero();
        let once = once.view([-1]);
        if once.size()[0] == 0 {
            return;
        }
        let [rows, places] = [rows, places].map(|pairs| pairs.index_select(0, &once));
        let width = cosines.size()[1];
        let flat = places.select(1, 0) * width + places.select(1, 1);
        let cosines = cosines.view([-1]).index_select(0, &flat);
        let found = cosines.size()[0];
        self.found += found as u64;
        let (cosines, best) = cosines.topk(most.min(found as usize) as i64, 0, true, true);
        let rows = rows.index_select(0, &best);
        let rows = Vec::<i64>::try_from(&rows.view([-1])).expect("int64");
        let cosines = Vec::<f64>::try_from(&cosines).expect("float64");
        let rows = rows.as_chunks::<2>().0.iter();
        self.pairs.extend(rows.zip(cosines).map(|(rows, cosine)| Pair {
            rows: rows.map(|row| row as usize),
            cosine: cosine.clamp(-1.0, 1.0),
        }));
        if self.pairs.len() / 2 > most {
            self.keep(most);
        }
    }

    /// Orders the pairs, and drops those after the first `most`.
    fn keep(&mut self, most: usize) {
        self.pairs.sort_by(|a, b| {
            let by_cosine = b.cosine.total_cmp(&a.cosine);
            by_cosine.then(a.rows.cmp(&b.rows))
        });
        self.pairs.truncate(most);
    }
}

#[cfg(test)]
mod tests;
