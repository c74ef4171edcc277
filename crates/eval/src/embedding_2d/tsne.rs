//! t-SNE of features: images on a plane where neighbors stay neighbors.

use bhtsne::tSNE;
use metrics::unit_rows;
use tch::{Device, Kind, Tensor, no_grad};

use crate::features::to_vec;
use crate::{Error, Plane, Result};

/// Steps of gradient descent; the first quarter enlarges attraction (early exaggeration).
const STEPS: usize = 1000;
/// Early exaggeration: lets clusters pass each other.
const EXAGGERATION: f64 = 12.0;
/// Standard deviation of the first coordinate at the start.
const START: f64 = 1e-4;
/// Barnes-Hut: how wide a cell may appear and still stand for all its images.
const THETA: f64 = 0.5;
/// Deviation of the first principal component of unit-length features below which all images are
/// alike.
const ALIKE: f64 = 1e-9;

/// The largest [`tsne`] perplexity that `images` images allow, at most 30 (the usual value); `None`
/// for fewer than four images, which have no neighborhoods.
pub fn usual_perplexity(images: usize) -> Option<f64> {
    (images >= 4).then(|| ((images - 1) as f64 / 3.0).min(30.0))
}

/// Coordinates of each image by t-SNE of the unit-length features, in the order of the features.
/// `perplexity` is about how many neighbors each image has.
///
/// Starts from `plane`, the [principal components](crate::principal_plane) of these features, and
/// runs on one thread, so that the same features always give the same coordinates.
/// Where all images have the same features, all are at 0.
///
/// # Shapes
/// `features`: `[images, features]`, any float kind.
///
/// # Errors
/// [`Error::Empty`] for no images, [`Error::Mismatch`] for a plane of another number of images,
/// [`Error::BadSetting`] unless 1 <= `perplexity` <= (images - 1) / 3, [`Error::NonFinite`].
///
/// # Reference
/// van der Maaten, "Accelerating t-SNE using tree-based algorithms", 2014, as the crate `bhtsne`
/// implements it; the start by Kobak and Berens, "The art of using t-SNE for single-cell
/// transcriptomics", 2019; the step size by Belkina et al., "Automated optimized parameters for
/// t-distributed stochastic neighbor embedding", 2019.
pub fn tsne(features: &Tensor, plane: &Plane, perplexity: f64) -> Result<Vec<[f64; 2]>> {
    let images = features.size()[0] as usize;
    if images == 0 {
        return Err(Error::Empty { split: "mapped" });
    }
    if plane.places.len() != images {
        return Err(Error::Mismatch {
            what: "images on the plane",
            expected: images.to_string(),
            found: plane.places.len().to_string(),
        });
    }
    if !(1.0..=(images - 1) as f64 / 3.0).contains(&perplexity) {
        return Err(Error::BadSetting {
            name: "perplexity",
            expected: "1 to a third of the other images",
            found: perplexity.to_string(),
        });
    }
    let unit = no_grad(|| unit_rows(&features.to_device(Device::Cpu).to_kind(Kind::Double)));
    let values: Vec<f64> = to_vec(&unit.flatten(0, 1));
    let rows: Vec<&[f64]> = values.chunks_exact(values.len() / images).collect();
    let bad = rows.iter().filter(|row| row.iter().any(|value| !value.is_finite())).count();
    if bad > 0 {
        return Err(Error::NonFinite { bad, images });
    }
    let Some(start) = start(&plane.places) else {
        return Ok(vec![[0.0; 2]; images]);
    };
    let fit = || {
        let mut tsne = tSNE::<f64, &[f64]>::new(&rows);
        // The step size grows with the images. A lower bound, as other programs have, makes steps
        // of small sets diverge and parts duplicates.
        tsne.learning_rate(images as f64 / EXAGGERATION / 4.0)
            .early_exaggeration(EXAGGERATION)
            .epochs(STEPS)
            .perplexity(perplexity)
            .initial_embedding(start.as_slice())
            .barnes_hut(THETA, |a, b| squared_distance(a, b).sqrt());
        tsne.embedding()
    };
    // Sums by several threads have no fixed order.
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let places = one_thread.map_err(|error| Error::Threads(error.to_string()))?.install(fit);
    Ok(places.chunks_exact(2).map(|place| [place[0], place[1]]).collect())
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The principal components, as small as a start has to be; `None` where all are alike.
fn start(places: &[[f64; 2]]) -> Option<Vec<f64>> {
    let squares: f64 = places.iter().map(|place| place[0] * place[0]).sum();
    let deviation = (squares / places.len() as f64).sqrt();
    (deviation > ALIKE).then(|| places.iter().flatten().map(|at| START / deviation * at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal_plane;

    /// From the principal components.
    fn tsne(features: &Tensor, perplexity: f64) -> Result<Vec<[f64; 2]>> {
        super::tsne(features, &principal_plane(features)?, perplexity)
    }

    /// Rows around one of `groups` directions each, in turn, without randomness.
    fn clusters(rows: usize, groups: usize) -> Tensor {
        let value = |row: usize, column: usize| {
            let center = if column == row % groups { 1.0 } else { 0.0 };
            center + 0.15 * ((row * 31 + column * 17) as f64 * 12.9898).sin()
        };
        let values: Vec<f64> = (0..rows * 8).map(|at| value(at / 8, at % 8)).collect();
        Tensor::from_slice(&values).view([rows as i64, 8])
    }

    #[test]
    fn clusters_stand_apart_and_the_same_features_stand_the_same() {
        let features = clusters(90, 3);
        let places = tsne(&features, 10.0).unwrap();
        assert_eq!(tsne(&features, 10.0).unwrap(), places);
        let distance = |i: usize, j: usize| {
            let [a, b] = [places[i], places[j]];
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        for i in 0..90 {
            let others = (0..90).filter(|&j| j != i);
            let nearest = others.min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b)));
            assert_eq!(nearest.unwrap() % 3, i % 3, "of {i}");
        }
    }

    #[test]
    fn images_that_are_alike_stand_together() {
        let alike = Tensor::from_slice(&[1.0f32, 2.0]).repeat([12, 1]);
        let places = tsne(&alike, 3.0).unwrap();
        assert!(places.iter().flatten().all(|at| at.abs() < 1e-3), "{places:?}");
        // Five images of each of three kinds: as many neighbors as are wanted are never there.
        let dtypes = Tensor::eye(3, (Kind::Double, Device::Cpu)).repeat([5, 1]);
        let places = tsne(&dtypes, 2.0).unwrap();
        assert!(places.iter().flatten().all(|at| at.is_finite()));
        let distance =
            |i: usize, j: usize| (places[i][0] - places[j][0]).hypot(places[i][1] - places[j][1]);
        assert!(distance(0, 3) < distance(0, 1) / 10.0, "{places:?}");
    }

    #[test]
    fn rounding_does_not_part_duplicates() {
        let dtypes = Tensor::eye(3, (Kind::Double, Device::Cpu)).repeat([5, 1]);
        let plane = principal_plane(&dtypes).unwrap();
        for series in 0..20 {
            let mut moved = plane.clone();
            for (i, place) in moved.places.iter_mut().enumerate() {
                place[0] *= 1.0 + f64::EPSILON * ((i * 37 + series * 11) as f64).sin();
                place[1] *= 1.0 + f64::EPSILON * ((i * 53 + series * 29) as f64).cos();
            }
            let places = super::tsne(&dtypes, &moved, 2.0).unwrap();
            let distance = |i: usize, j: usize| {
                (places[i][0] - places[j][0]).hypot(places[i][1] - places[j][1])
            };
            for (i, j) in (0..15).flat_map(|i| (0..i).map(move |j| (i, j))) {
                assert_eq!(distance(i, j) < 0.1, i % 3 == j % 3, "{i} {j}: {places:?}");
            }
        }
    }

    #[test]
    fn what_has_no_neighborhoods_is_refused() {
        let refused = |perplexity: f64| {
            let error = tsne(&clusters(10, 2), perplexity).unwrap_err();
            assert!(matches!(error, Error::BadSetting { .. }), "{error}");
        };
        for perplexity in [0.9, 3.1, f64::NAN] {
            refused(perplexity);
        }
        assert!(tsne(&clusters(10, 2), 3.0).is_ok());
        assert_eq!(
            [3, 4, 31, 1000].map(usual_perplexity),
            [None, Some(1.0), Some(10.0), Some(30.0)]
        );
        let none = Tensor::zeros([0, 3], (Kind::Float, Device::Cpu));
        assert_eq!(tsne(&none, 1.0), Err(Error::Empty { split: "mapped" }));
        let diverged = clusters(10, 2);
        let plane = principal_plane(&diverged).unwrap();
        let _ = diverged.get(3).fill_(f64::NAN);
        let refused = super::tsne(&diverged, &plane, 3.0);
        assert_eq!(refused, Err(Error::NonFinite { bad: 1, images: 10 }));
        let other = super::tsne(&clusters(11, 2), &plane, 3.0).unwrap_err();
        assert!(matches!(other, Error::Mismatch { .. }), "{other}");
    }

    #[test]
    fn any_small_set_has_finite_places() {
        for case in 0..200u64 {
            let images = 4 + (case * 7 % 23) as usize;
            let kinds = 1 + (case * 5 % 11) as usize;
            let value = |at: usize| {
                let (image, column) = (at / 6, at % 6);
                let kind = (image * (1 + case as usize % 3) + image / 2) % kinds;
                ((kind * 13 + column * 5 + case as usize) as f64 * 0.731).sin()
            };
            let values: Vec<f64> = (0..images * 6).map(value).collect();
            let features = Tensor::from_slice(&values).view([images as i64, 6]);
            for perplexity in [1.0, usual_perplexity(images).unwrap()] {
                let places = tsne(&features, perplexity).unwrap();
                assert!(places.iter().flatten().all(|at| at.is_finite()), "{case}: {places:?}");
            }
        }
    }
}
