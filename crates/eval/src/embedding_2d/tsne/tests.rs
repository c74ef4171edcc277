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
        let distance =
            |i: usize, j: usize| (places[i][0] - places[j][0]).hypot(places[i][1] - places[j][1]);
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
    assert_eq!([3, 4, 31, 1000].map(usual_perplexity), [None, Some(1.0), Some(10.0), Some(30.0)]);
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
