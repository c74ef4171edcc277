//! Contrastive and correlation accuracy: does the objective tell the two views of an image apart
//! from those of other images, and one feature from the others?
//!
//! Both ask how often the diagonal entry of a square matrix is the largest of its row and of its
//! column. An equal entry with a lower index wins, not-a-number never does, and a row of nothing
//! else is won by entry 0; so a dead feature costs its own row and column only. The `*_correct`
//! functions return a count on the features' device, so that a trainer can add them up without
//! waiting for the device; `*_hits` bring it to the host.

use std::ops::AddAssign;

use tch::{Kind, Tensor, no_grad};

use crate::unit_sphere::{at_least_f32, unit_rows};

/// A running share: how many of `total` trials succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Trials that succeeded.
    pub correct: u64,
    /// All trials.
    pub total: u64,
}

impl Hits {
    /// The share of successes in 0..=1; 0 before the first trial.
    pub fn accuracy(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.correct as f64 / self.total as f64 }
    }
}

impl AddAssign for Hits {
    fn add_assign(&mut self, other: Self) {
        self.correct += other.correct;
        self.total += other.total;
    }
}

/// Counts the rows, of both directions, whose nearest row of the other view by cosine is their own
/// partner.
///
/// # Shapes
/// `f1`, `f2`: `[batch, features]`; the result is an `i64` scalar on their device, at most
/// `2 * batch`.
pub fn contrastive_correct(f1: &Tensor, f2: &Tensor) -> Tensor {
    assert_pair(f1, f2);
    no_grad(|| diagonal_wins(&unit_rows(f1).matmul(&unit_rows(f2).tr())))
}

/// Counts the features, of both directions, that correlate most with themselves in the other view.
///
/// # Shapes
/// `f1`, `f2`: `[batch, features]`; the result is an `i64` scalar on their device, at most
/// `2 * features`.
pub fn correlation_correct(f1: &Tensor, f2: &Tensor) -> Tensor {
    assert_pair(f1, f2);
    // The division by the batch size is left out: it moves no maximum.
    no_grad(|| diagonal_wins(&standard_columns(f1).tr().matmul(&standard_columns(f2))))
}

/// [`contrastive_correct`] on the host, out of `2 * batch`.
pub fn contrastive_hits(f1: &Tensor, f2: &Tensor) -> Hits {
    Hits { correct: to_count(&contrastive_correct(f1, f2)), total: 2 * f1.size()[0] as u64 }
}

/// [`correlation_correct`] on the host, out of `2 * features`.
pub fn correlation_hits(f1: &Tensor, f2: &Tensor) -> Hits {
    Hits { correct: to_count(&correlation_correct(f1, f2)), total: 2 * f1.size()[1] as u64 }
}

fn assert_pair(f1: &Tensor, f2: &Tensor) {
    let (a, b) = (f1.size(), f2.size());
    assert!(
        a.len() == 2 && a == b,
        "two views need the same [batch, features], got {a:?} and {b:?}"
    );
}

fn to_count(correct: &Tensor) -> u64 {
    correct.int64_value(&[]).unsigned_abs()
}

/// Columns of mean 0 and population standard deviation 1; a constant column becomes not-a-number.
fn standard_columns(features: &Tensor) -> Tensor {
    let features = at_least_f32(features);
    // Taking the first row away makes a constant column exactly zero, whatever the rounding of its
    // mean.
    let shifted = &features - features.narrow(0, 0, 1);
    let centered = &shifted - shifted.mean_dim([0i64].as_slice(), true, None);
    let variance = centered.square().mean_dim([0i64].as_slice(), true, None);
    centered / variance.sqrt()
}

/// How many rows and columns of a square matrix have their (first) largest entry on the diagonal.
fn diagonal_wins(scores: &Tensor) -> Tensor {
    let scores = scores.nan_to_num(f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY);
    let own = Tensor::arange(scores.size()[0], (Kind::Int64, scores.device()));
    let rows = scores.argmax(1, false).eq_tensor(&own).sum(Kind::Int64);
    let columns = scores.tr().contiguous().argmax(1, false).eq_tensor(&own).sum(Kind::Int64);
    rows + columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_go_to_the_lowest_index() {
        // Row 0: own entry first of two equals, wins. Row 1: entry 0 equals its own, loses.
        let scores = Tensor::from_slice2(&[[1.0f32, 1.0], [1.0, 1.0]]);
        assert_eq!(diagonal_wins(&scores).int64_value(&[]), 2);
    }

    #[test]
    fn not_a_number_never_wins_unless_alone() {
        let nan = f32::NAN;
        // Rows: [nan, -5, -9] -> 1; [1, 2, nan] -> 1; [nan, nan, nan] -> 0. Own: row 1 only.
        // Columns: [nan, 1, nan] -> 1; [-5, 2, nan] -> 1; [-9, nan, nan] -> 0. Own: column 1 only.
        let scores = Tensor::from_slice2(&[[nan, -5.0, -9.0], [1.0, 2.0, nan], [nan, nan, nan]]);
        assert_eq!(diagonal_wins(&scores).int64_value(&[]), 2);
        let nothing = Tensor::full([3, 3], f64::NAN, (Kind::Float, tch::Device::Cpu));
        assert_eq!(diagonal_wins(&nothing).int64_value(&[]), 2);
    }

    #[test]
    fn hits_add_up() {
        let mut hits = Hits::default();
        assert_eq!(hits.accuracy(), 0.0);
        hits += Hits { correct: 1, total: 4 };
        hits += Hits { correct: 2, total: 2 };
        assert_eq!((hits.correct, hits.total, hits.accuracy()), (3, 6, 0.5));
    }

    #[test]
    fn half_precision_is_measured_in_single() {
        let f = Tensor::from_slice2(&[[1.0f32, 0.0], [0.0, 1.0]]).to_kind(Kind::BFloat16);
        assert_eq!(contrastive_hits(&f, &f), Hits { correct: 4, total: 4 });
        assert_eq!(correlation_hits(&f, &f), Hits { correct: 4, total: 4 });
    }
}
