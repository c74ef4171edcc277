use std::ops::ControlFlow;

use tch::Tensor;

use super::*;
use crate::Error;

const GO_ON: OnProgress<'static> = &|_, _| ControlFlow::Continue(());

/// Directions in space near the axes: the axis, and a small angle in degrees from it.
fn near_axes(images: &[(usize, f64)]) -> Gallery {
    let rows: Vec<[f64; 3]> = images
        .iter()
        .map(|&(axis, degrees)| {
            let mut row = [0.0; 3];
            row[axis] = degrees.to_radians().cos();
            row[(axis + 1) % 3] = degrees.to_radians().sin();
            row
        })
        .collect();
    Gallery::new(&Tensor::from_slice2(&rows)).unwrap()
}

fn select(images: &Gallery, labeled: Option<&Gallery>, count: usize) -> Selection {
    images.typical(labeled, count, &TypicalitySettings::default(), GO_ON).unwrap()
}

fn rows(selection: &Selection) -> Vec<usize> {
    selection.picks.iter().map(|pick| pick.row).collect()
}

/// Five images near the first axis, four near the second, three near the third. The sums of squared
/// angles to the others are smallest for rows 2, 7 and 10.
const IMAGES: [(usize, f64); 12] = [
    (0, 0.0),
    (0, 2.0),
    (0, 4.0),
    (0, 6.0),
    (0, 8.0),
    (1, 0.0),
    (1, 1.0),
    (1, 3.0),
    (1, 7.0),
    (2, 0.0),
    (2, 1.0),
    (2, 3.0),
];

#[test]
fn the_densest_image_of_each_cluster_the_largest_first() {
    let images = near_axes(&IMAGES);
    let found = select(&images, None, 3);
    assert_eq!(rows(&found), [2, 7, 10]);
    let clusters: Vec<_> = found.picks.iter().map(|pick| pick.cluster).collect();
    assert_eq!(clusters, [Some(0), Some(1), Some(2)]);
    // Of the third axis: the mean of the cosines to both others.
    let expected = (1f64.to_radians().cos() + 2f64.to_radians().cos()) / 2.0;
    assert!((found.picks[2].value.unwrap() - expected).abs() < 1e-12, "{found:?}");
    let radius = 1.0 - 4f64.to_radians().cos();
    assert!((found.coverage.after - radius).abs() < 1e-12, "{found:?}");
    assert_eq!((found.coverage.before, found.copies), (None, 0));
}

#[test]
fn clusters_with_labels_come_last() {
    let images = near_axes(&IMAGES);
    // One labeled image, near the first axis: of three clusters the other two are picked from.
    let labeled = near_axes(&[(0, 1.0)]);
    assert_eq!(rows(&select(&images, Some(&labeled), 2)), [7, 10]);
    // A copy of the densest is not picked.
    let labeled = near_axes(&[(1, 1.0), (0, 1.0)]);
    let found = select(&images, Some(&labeled), 1);
    assert_eq!((rows(&found), found.copies), (vec![10], 1));
}

#[test]
fn all_images_can_be_picked_each_once() {
    let images = near_axes(&IMAGES);
    let settings = TypicalitySettings { max_clusters: 3, ..TypicalitySettings::default() };
    let found = images.typical(None, 12, &settings, GO_ON).unwrap();
    let mut all = rows(&found);
    // Round by round, while there are images.
    assert_eq!(all[..3], [2, 7, 10]);
    all.sort_unstable();
    assert_eq!(all, (0..12).collect::<Vec<_>>());
    assert!(found.coverage.after < 1e-12);
    let refused = images.typical(None, 13, &settings, GO_ON).unwrap_err();
    assert!(matches!(refused, Error::Mismatch { .. }));
    let again = images.typical(None, 12, &settings, GO_ON).unwrap();
    assert_eq!(again, found);
}
