//! Nearest neighbors of single images, to be looked at.

use crate::{Features, Knn, KnnSettings, Result};

/// For each of the images `queries` of `test` the rows of its `k` nearest images of `train` by
/// cosine, the nearest first.
///
/// # Errors
/// [`crate::Error::Empty`] for no training images.
///
/// # Panics
/// If a query isn't an image of `test`.
pub fn nearest(
    train: &Features,
    test: &Features,
    queries: &[usize],
    k: usize,
) -> Result<Vec<Vec<usize>>> {
    let settings = KnnSettings { k, ..KnnSettings::default() };
    let knn = Knn::new(train, &settings)?;
    let rows = queries.iter().map(|&query| {
        let found = knn.neighbors(&test.x().narrow(0, query as i64, 1)).indices;
        let found = Vec::<i64>::try_from(found.view([-1])).expect("a row of int64");
        found.into_iter().map(|row| row as usize).collect()
    });
    Ok(rows.collect())
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
        assert_eq!(found, [[0, 2], [1, 2]]);
    }
}
