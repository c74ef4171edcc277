//! Accuracy of nearest-neighbor classification.

use tch::{Kind, Tensor, no_grad};

use crate::unit_sphere::unit_rows;

/// Rows that are compared with all others at a time; bounds the memory.
const BLOCK: i64 = 512;

/// A weighted vote of the nearest images.
///
/// # Reference
/// Wu et al., arXiv 1805.01978, section 3.4; `k` and temperature as in DINO, arXiv 2104.14294.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnnVote {
    /// Number of neighbors that vote; all where there are fewer.
    pub k: i64,
    /// Temperature `T` of a vote `exp(cosine / T)`.
    pub temperature: f64,
}

impl Default for KnnVote {
    fn default() -> Self {
        Self { k: 20, temperature: 0.07 }
    }
}

impl KnnVote {
    /// Share of the queries, 0 to 1, whose class has most votes of the nearest rows of `bank`. Of
    /// classes with equally many votes the one with the lower label is predicted.
    ///
    /// # Shapes
    /// `bank`: features `[images, features]` and labels `[images]`, int64 from 0; `queries`
    /// likewise.
    ///
    /// # Panics
    /// If the bank is empty.
    pub fn accuracy(&self, bank: (&Tensor, &Tensor), queries: (&Tensor, &Tensor)) -> f64 {
        self.share(bank, queries, false)
    }

    /// The same with each image as a query to all the others: leave-one-out.
    ///
    /// # Shapes
    /// `features`: `[images, features]` with at least two images, `labels`: `[images]`, int64 from
    /// 0.
    pub fn leave_one_out_accuracy(&self, features: &Tensor, labels: &Tensor) -> f64 {
        self.share((features, labels), (features, labels), true)
    }

    /// Query `i` is row `i` of the bank, and left out of it, where it is to `leave_out` itself.
    fn share(
        &self,
        (bank, labels): (&Tensor, &Tensor),
        (queries, expected): (&Tensor, &Tensor),
        leave_out: bool,
    ) -> f64 {
        no_grad(|| {
            let (bank, queries) = (unit_rows(bank), unit_rows(queries));
            let (images, count) = (bank.size()[0], queries.size()[0]);
            let k = self.k.min(images - i64::from(leave_out));
            assert!(k > 0, "neighbors of no images");
            let classes = labels.max().int64_value(&[]) + 1;
            let mut correct = 0;
            for first in (0..count).step_by(BLOCK as usize) {
                let rows = BLOCK.min(count - first);
                let cosines = queries.narrow(0, first, rows).matmul(&bank.tr());
                if leave_out {
                    let itself = cosines.narrow(1, first, rows);
                    let _ = itself.diagonal(0, 0, 1).fill_(f64::NEG_INFINITY);
                }
                let predicted = self.predict(&cosines, labels, k, classes);
                let hits = predicted.eq_tensor(&expected.narrow(0, first, rows));
                correct += hits.sum(Kind::Int64).int64_value(&[]);
            }
            correct as f64 / count as f64
        })
    }

    /// The class of each row of cosines `[queries, images]`.
    fn predict(&self, cosines: &Tensor, labels: &Tensor, k: i64, classes: i64) -> Tensor {
        let (nearest, indices) = cosines.topk(k, 1, true, true);
        // Relative to the nearest neighbor, so that no temperature overflows.
        let relative = (&nearest - nearest.narrow(1, 0, 1)).to_kind(Kind::Double);
        let votes = (relative / self.temperature).exp();
        let voters = labels.index_select(0, &indices.view([-1])).view_as(&indices);
        let none = Tensor::zeros([cosines.size()[0], classes], (Kind::Double, votes.device()));
        none.scatter_add(1, &voters, &votes).argmax(1, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accuracy by the definition, with loops; query `i` does not ask image `i` to `leave_out` it.
    fn by_loops(
        vote: KnnVote,
        bank: &[(Vec<f64>, i64)],
        queries: &[(Vec<f64>, i64)],
        leave_out: bool,
    ) -> f64 {
        let length = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
        let cosine = |a: &[f64], b: &[f64]| {
            let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            dot / length(a) / length(b)
        };
        let mut correct = 0;
        for (number, (query, class)) in queries.iter().enumerate() {
            let others = bank.iter().enumerate().filter(|(row, _)| !leave_out || *row != number);
            let mut near: Vec<(f64, i64)> =
                others.map(|(_, (x, class))| (cosine(query, x), *class)).collect();
            near.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut votes = [0.0; 4];
            for (cosine, class) in near.iter().take(vote.k as usize) {
                votes[*class as usize] += (cosine / vote.temperature).exp();
            }
            let most = votes.iter().copied().fold(0.0, f64::max);
            let predicted = votes.iter().position(|&votes| votes == most).unwrap();
            correct += usize::from(predicted as i64 == *class);
        }
        correct as f64 / queries.len() as f64
    }

    /// Images of four classes that overlap.
    fn images(count: usize, start: u64) -> Vec<(Vec<f64>, i64)> {
        let mut state = start;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let image = |index: usize| {
            let class = index as i64 % 4;
            let center = |axis: i64| if axis == class { 0.8 } else { 0.0 };
            ((0..6).map(|axis| center(axis) + draw()).collect(), class)
        };
        (0..count).map(image).collect()
    }

    fn tensors(images: &[(Vec<f64>, i64)]) -> (Tensor, Tensor) {
        let rows: Vec<f32> = images.iter().flat_map(|(x, _)| x.iter().map(|&v| v as f32)).collect();
        let labels: Vec<i64> = images.iter().map(|(_, class)| *class).collect();
        (Tensor::from_slice(&rows).view([-1, 6]), Tensor::from_slice(&labels))
    }

    #[test]
    fn the_vote_is_that_of_its_definition() {
        // More images than a block.
        let (bank, queries) = (images(700, 1), images(90, 2));
        let ((x, y), (q, z)) = (tensors(&bank), tensors(&queries));
        for vote in [KnnVote::default(), KnnVote { k: 1, temperature: 1.0 }] {
            let expected = by_loops(vote, &bank, &queries, false);
            assert_eq!(vote.accuracy((&x, &y), (&q, &z)), expected);
            assert!(expected > 0.3 && expected < 0.95, "{expected}: too easy or too hard a case");
            let expected = by_loops(vote, &bank, &bank, true);
            assert_eq!(vote.leave_one_out_accuracy(&x, &y), expected);
        }
    }

    #[test]
    fn few_images_all_vote_and_none_for_itself() {
        let x = Tensor::from_slice2(&[[1.0f32, 0.0], [1.0, 0.1], [0.0, 1.0]]);
        let y = Tensor::from_slice(&[0i64, 0, 1]);
        let vote = KnnVote::default();
        assert_eq!(vote.accuracy((&x, &y), (&x, &y)), 1.0);
        // The last image has no other of its class.
        assert_eq!(vote.leave_one_out_accuracy(&x, &y), 2.0 / 3.0);
    }
}
