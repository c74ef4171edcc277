//! Nearest neighbors of single images, to be looked at.

use crate::{Features, Gallery, Neighbor, Result};

/// For each of the images `queries` of `test` its `k` nearest images of `train` by cosine, the
/// nearest first.
///
/// # Errors
/// [`crate::Error::Empty`] for no training images, [`crate::Error::NonFinite`].
///
/// # Panics
/// If a query isn't an image of `test`.
pub fn nearest(
    train: &Features,
    test: &Features,
    queries: &[usize],
    k: usize,
) -> Result<Vec<Vec<Neighbor>>> {
    let gallery = Gallery::new(train.x())?;
    let of = |&query: &usize| gallery.nearest(&test.x().narrow(0, query as i64, 1), k);
    Ok(queries.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::*;

    #[test]
    fn neighbors_are_by_cosine_and_in_order() {
        let rows = |values: &[f32]| Tensor::from_slice(values).view([-1, 2]);
        let train = Features::new(rows(&[1.0, 0.0, 0.0, 5.0, 3.0, 3.1]), &[0, 1, 2]).unwrap();
        let test = Features::new(rows(&[0.0, 1.0, 9.0, 1.0]), &[0, 0]).unwrap();
        let found = nearest(&train, &test, &[1, 0], 2).unwrap();
        let rows: Vec<Vec<usize>> =
            found.iter().map(|near| near.iter().map(|near| near.row).collect()).collect();
        assert_eq!(rows, [[0, 2], [1, 2]]);
        assert!((found[1][0].cosine - 1.0).abs() < 1e-12);
        assert!((found[0][0].cosine - 9.0 / 82f64.sqrt()).abs() < 1e-7);
    }
}
