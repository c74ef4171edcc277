//! What a classifier takes images for.

use tch::{Kind, Tensor, no_grad};

/// How many classes are kept of each image, the likeliest first.
pub const RANKED: usize = 5;

/// Rows that are ranked at once.
const ROWS: i64 = 1 << 12;

/// The likeliest classes of images, the likeliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Predictions {
    /// One entry an image: at least one class, at most [`RANKED`].
    ranked: Vec<Vec<i64>>,
}

impl Predictions {
    /// Ranks the classes of each image by their scores; of equal scores the lower class is first.
    /// A class with the score minus infinity is left out, unless all are.
    ///
    /// # Shapes
    /// `scores`: `[images, labels.len()]`, a float kind without not-a-numbers; `labels` are the
    /// classes of its columns, ascending.
    pub fn rank(scores: &Tensor, labels: &[i64]) -> Self {
        let width = labels.len().min(RANKED);
        let mut ranked = Vec::with_capacity(scores.size()[0] as usize);
        for first in (0..scores.size()[0]).step_by(ROWS as usize) {
            let block = scores.narrow(0, first, ROWS.min(scores.size()[0] - first));
            let (values, columns) = no_grad(|| {
                let (values, columns) = block.sort_stable(true, 1, true);
                let best = |sorted: Tensor| sorted.narrow(1, 0, width as i64).contiguous();
                (best(values).to_kind(Kind::Double).view([-1]), best(columns).view([-1]))
            });
            let values = Vec::<f64>::try_from(&values).expect("a vector of float64");
            let columns = Vec::<i64>::try_from(&columns).expect("a vector of int64");
            let rows = values.chunks_exact(width).zip(columns.chunks_exact(width));
            ranked.extend(rows.map(|(values, columns)| {
                let known = values.iter().take_while(|&&value| value > f64::NEG_INFINITY).count();
                let columns = columns[..known.max(1)].iter();
                columns.map(|&column| labels[column as usize]).collect::<Vec<_>>()
            }));
        }
        Self { ranked }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.ranked.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.ranked.is_empty()
    }

    /// The likeliest class of each image.
    pub fn best(&self) -> impl Iterator<Item = i64> {
        self.ranked.iter().map(|classes| classes[0])
    }

    /// The likeliest classes of each image, at most five, the likeliest first.
    pub fn ranked(&self) -> impl Iterator<Item = &[i64]> {
        self.ranked.iter().map(Vec::as_slice)
    }

    /// Adds the images of `others` behind these.
    pub fn append(&mut self, mut others: Self) {
        self.ranked.append(&mut others.ranked);
    }

    /// One class an image.
    #[cfg(test)]
    pub(crate) fn single(classes: &[i64]) -> Self {
        Self { ranked: classes.iter().map(|&class| vec![class]).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_of_equal_classes_is_first_and_impossible_ones_are_left_out() {
        let none = f64::NEG_INFINITY;
        let scores = Tensor::from_slice2(&[
            [0.1, 0.5, 0.5, 0.2, 0.0, 0.5, 0.3],
            [none, 2.0, none, 3.0, none, none, none],
            [none; 7],
        ]);
        let predictions = Predictions::rank(&scores, &[0, 1, 2, 3, 4, 5, 9]);
        let ranked: Vec<&[i64]> = predictions.ranked().collect();
        assert_eq!(ranked, [&[1, 2, 5, 9, 3][..], &[3, 1], &[0]]);
        assert_eq!(predictions.best().collect::<Vec<_>>(), [1, 3, 0]);
    }

    #[test]
    fn few_classes_are_all_ranked() {
        let scores = Tensor::from_slice2(&[[0.1f32, 0.5], [0.7, 0.2]]);
        let mut predictions = Predictions::rank(&scores, &[3, 4]);
        predictions.append(Predictions::single(&[7]));
        let ranked: Vec<&[i64]> = predictions.ranked().collect();
        assert_eq!(ranked, [&[4, 3][..], &[3, 4], &[7]]);
        assert_eq!((predictions.len(), predictions.is_empty()), (3, false));
    }
}
