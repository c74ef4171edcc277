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
mod tests {
    use std::ops::ControlFlow;

    use tch::{Device, Kind};

    use super::*;

    const GO_ON: OnProgress<'static> = &|_, _| ControlFlow::Continue(());

    /// `count` directions in eight dimensions, without a pattern.
    fn scattered(count: i64) -> Tensor {
        let numbers = Tensor::arange(count * 8, (Kind::Double, Device::Cpu));
        ((numbers * 12.9898).sin() * 43758.5453).fmod(1.0).view([count, 8])
    }

    fn rows(found: &Duplicates) -> Vec<[usize; 2]> {
        found.pairs.iter().map(|pair| pair.rows).collect()
    }

    #[test]
    fn copies_are_found_across_blocks_and_nothing_else() {
        let count = COLUMNS + ROWS + 7;
        let x = scattered(count);
        let last = count as usize - 1;
        let (far, near) = (COLUMNS as usize + 3, ROWS as usize - 1);
        for (to, from) in [(last, 2), (far, 5), (near, 0)] {
            x.get(to as i64).copy_(&(x.get(from as i64) * 3.0));
        }
        let found = Gallery::new(&x).unwrap().duplicates(1.0, 10, GO_ON).unwrap();
        assert_eq!(found.found, 3);
        let mut pairs = rows(&found);
        pairs.sort();
        assert_eq!(pairs, [[0, near], [2, last], [5, far]]);
        assert!(found.pairs.iter().all(|pair| pair.cosine > 1.0 - 1e-12));
    }

    #[test]
    fn pairs_are_those_of_the_whole_matrix_the_most_alike_first() {
        let count = 60;
        let x = scattered(count);
        let gallery = Gallery::new(&x).unwrap();
        let norms = (&x * &x).sum_dim_intlist([1i64].as_slice(), true, None).sqrt();
        let unit = &x / norms;
        let cosines = unit.matmul(&unit.tr());
        let mut expected = Vec::new();
        for a in 0..count {
            for b in a + 1..count {
                let cosine = cosines.double_value(&[a, b]);
                if cosine >= 0.5 {
                    expected.push((cosine, [a as usize, b as usize]));
                }
            }
        }
        expected.sort_by(|a, b| b.0.total_cmp(&a.0));
        let expected: Vec<_> = expected.into_iter().map(|(_, rows)| rows).collect();
        assert!(expected.len() > 20, "{}", expected.len());
        let all = gallery.duplicates(0.5, 10_000, GO_ON).unwrap();
        assert_eq!((rows(&all), all.found), (expected.clone(), expected.len() as u64));
        let some = gallery.duplicates(0.5, 7, GO_ON).unwrap();
        assert_eq!((rows(&some), some.found), (expected[..7].to_vec(), all.found));
        let none = gallery.duplicates(1.0, 7, GO_ON).unwrap();
        assert_eq!((none.found, none.pairs.len()), (0, 0));
    }

    #[test]
    fn pairs_join_into_groups() {
        let of = |pairs: &[[usize; 2]]| {
            let pairs = pairs.iter().map(|&rows| Pair { rows, cosine: 1.0 });
            Duplicates { found: 0, pairs: pairs.collect() }.groups()
        };
        assert_eq!(of(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(of(&[[3, 7], [1, 2], [2, 9]]), [vec![3, 7], vec![1, 2, 9]]);
        // Two groups that turn out to be one, and a pair within it.
        assert_eq!(
            of(&[[5, 6], [1, 2], [3, 4], [2, 6], [1, 5], [0, 4]]),
            [vec![1, 2, 5, 6], vec![0, 3, 4]]
        );
    }

    #[test]
    fn what_can_not_be_asked_for_is_an_error() {
        let gallery = Gallery::new(&scattered(3)).unwrap();
        for threshold in [1.5, f64::NAN] {
            let error = gallery.duplicates(threshold, 1, GO_ON).unwrap_err();
            assert!(matches!(error, Error::BadSetting { .. }), "{error}");
        }
        let stop: OnProgress<'_> = &|_, _| ControlFlow::Break(());
        assert_eq!(gallery.duplicates(0.5, 1, stop).unwrap_err(), Error::Interrupted);
    }
}
