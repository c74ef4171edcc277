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
mod tests;
