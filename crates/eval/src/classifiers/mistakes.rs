//! Test images that nearest neighbors take for another class, to be looked at.

use tch::no_grad;

use crate::{Features, Knn, KnnSettings, Result};

/// A test image that is taken for another class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// Its row.
    pub row: usize,
    /// The class that it is taken for.
    pub predicted: usize,
    /// The share of the votes for that class, 0 to 1.
    pub share: f64,
}

/// The images of `test` that the nearest images of `train` vote into another class, as
/// [`Knn::predict`] does, those with the largest share of the votes first.
///
/// # Errors
/// Those of [`Knn::new`].
pub fn mistakes(train: &Features, test: &Features) -> Result<Vec<Mistake>> {
    let knn = Knn::new(train, &KnnSettings::default())?;
    let scores = knn.scores(&knn.neighbors(test.x()));
    let (shares, predicted) = no_grad(|| {
        let predicted = scores.argmax(1, false);
        let best = scores.gather(1, &predicted.unsqueeze(1), false).squeeze_dim(1);
        (best / scores.sum_dim_intlist([1i64].as_slice(), false, None), predicted)
    });
    let shares = Vec::<f64>::try_from(&shares).expect("float64");
    let predicted = Vec::<i64>::try_from(&predicted).expect("int64");
    let mut wrong: Vec<Mistake> = test
        .label_vec()
        .iter()
        .zip(predicted.iter().zip(shares))
        .enumerate()
        .filter(|(_, (label, (predicted, _)))| label != predicted)
        .map(|(row, (_, (&predicted, share)))| Mistake {
            row,
            predicted: predicted as usize,
            share,
        })
        .collect();
    wrong.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.row.cmp(&b.row)));
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::*;

    #[test]
    fn the_surest_mistakes_come_first() {
        let rows = |values: &[f32]| Tensor::from_slice(values).view([-1, 2]);
        let train = rows(&[1.0, 0.0, 1.0, 0.1, 0.0, 1.0, 0.1, 1.0]);
        let train = Features::new(train, &[0, 0, 1, 1]).unwrap();
        let test = rows(&[1.0, 0.0, 1.0, 0.9, 0.0, 1.0, 0.8, 1.0]);
        let test = Features::new(test, &[0, 1, 0, 2]).unwrap();
        let found = mistakes(&train, &test).unwrap();
        let places: Vec<_> = found.iter().map(|wrong| (wrong.row, wrong.predicted)).collect();
        assert_eq!(places, [(2, 1), (3, 1), (1, 0)]);
        assert!(found[0].share > 0.99 && found[1].share < 0.9, "{found:?}");
        let wrong = Knn::new(&train, &KnnSettings::default()).unwrap().predict(test.x());
        assert_eq!(wrong, [0, 0, 1, 1]);
    }
}
