use std::ops::ControlFlow;

use golden::{Tensors, cases};
use tch::{Kind, Tensor};

use super::*;
use crate::Error;

const GO_ON: OnProgress<'static> = &|_, _| ControlFlow::Continue(());

fn floats(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Set O: the same rows by Euclidean and by cosine distance, one or five rows given.
#[test]
fn golden_picks_and_radii() {
    let tensors = Tensors::open("o_gather.safetensors");
    let mut checked = 0;
    for case in cases("o_gather.json", "k_centre") {
        let x = tensors.get(case["features"].as_str().unwrap()).to_kind(Kind::Double);
        let rows = |key: &str| -> Vec<usize> {
            floats(&case[key]).into_iter().map(|row| row as usize).collect()
        };
        let (given, chosen) = (rows("given"), rows("chosen"));
        let radii = floats(&case["radius_after_each"]);
        let cosine = case["form"] == "cosine";
        let distances = |row: usize| -> Vec<f64> {
            let distances = match cosine {
                true => return Gallery::new(&x).unwrap().distances_to_row(row),
                false => (&x - x.get(row as i64))
                    .square()
                    .sum_dim_intlist([1i64].as_slice(), false, None)
                    .sqrt(),
            };
            Vec::<f64>::try_from(&distances).unwrap()
        };
        for count in 1..=chosen.len() {
            let mut nearest = Nearest::unlabeled(x.size()[0] as usize);
            given.iter().for_each(|&row| nearest.add(row, &distances(row)));
            let first = || unreachable!("rows are given");
            let (picks, coverage) = greedy(nearest, count, first, distances, GO_ON).unwrap();
            let picked: Vec<usize> = picks.iter().map(|pick| pick.row).collect();
            assert_eq!(picked, chosen[..count], "{case}");
            let before = case["radius_with_given_alone"].as_f64().unwrap();
            assert!((coverage.before.unwrap() - before).abs() < 1e-9, "{coverage:?}");
            assert!((coverage.after - radii[count - 1]).abs() < 1e-9, "{coverage:?}");
            // Each pick is as far as the radius was before it.
            let was = if count == 1 { before } else { radii[count - 2] };
            assert!((picks[count - 1].value.unwrap() - was).abs() < 1e-9);
        }
        // The public way, where the given rows are labeled images of another gallery.
        if cosine {
            let index: Vec<i64> = given.iter().map(|&row| row as i64).collect();
            let labeled = Gallery::new(&x.index_select(0, &Tensor::from_slice(&index))).unwrap();
            let all = Gallery::new(&x).unwrap();
            let found = all.k_center(Some(&labeled), chosen.len(), GO_ON).unwrap();
            assert_eq!(found.picks.iter().map(|pick| pick.row).collect::<Vec<_>>(), chosen);
            assert_eq!(found.copies, given.len());
            assert!((found.coverage.after - radii[radii.len() - 1]).abs() < 1e-9);
        }
        checked += 1;
    }
    assert_eq!(checked, 4);
}

/// Directions in the plane, by their angles in degrees.
fn angles(degrees: &[f64]) -> Gallery {
    let turns = Tensor::from_slice(degrees).deg2rad();
    Gallery::new(&Tensor::stack(&[turns.cos(), turns.sin()], 1)).unwrap()
}

fn distance(degrees: f64) -> f64 {
    1.0 - degrees.to_radians().cos()
}

#[test]
fn without_labels_the_most_central_image_comes_first() {
    let gallery = angles(&[0.0, 10.0, 20.0, 30.0, 40.0, 90.0]);
    let found = gallery.k_center(None, 3, GO_ON).unwrap();
    let rows: Vec<usize> = found.picks.iter().map(|pick| pick.row).collect();
    assert_eq!(rows, [3, 5, 0]);
    assert_eq!((found.picks[0].value, found.coverage.before), (None, None));
    assert!((found.picks[1].value.unwrap() - distance(60.0)).abs() < 1e-12);
    assert!((found.coverage.after - distance(10.0)).abs() < 1e-12);
}

#[test]
fn labeled_images_and_their_copies_are_not_picked() {
    let (gallery, labeled) = (angles(&[0.0, 50.0, 50.0, 20.0]), angles(&[0.0]));
    let found = gallery.k_center(Some(&labeled), 3, GO_ON).unwrap();
    let rows: Vec<usize> = found.picks.iter().map(|pick| pick.row).collect();
    // Equally far ones from the lowest row on.
    assert_eq!((rows, found.copies), (vec![1, 3, 2], 1));
    assert!((found.coverage.before.unwrap() - distance(50.0)).abs() < 1e-12);
    assert!(found.coverage.after.abs() < 1e-12);
    let refused = gallery.k_center(Some(&labeled), 4, GO_ON).unwrap_err().to_string();
    assert_eq!(refused, "images to select: expected 1 to 3, the unlabeled images, found 4");
    assert!(gallery.k_center(None, 0, GO_ON).is_err());
    let other = Gallery::new(&Tensor::from_slice2(&[[1.0, 2.0, 3.0]])).unwrap();
    let refused = gallery.k_center(Some(&other), 1, GO_ON).unwrap_err();
    assert!(matches!(refused, Error::Mismatch { .. }), "{refused}");
    let stop: OnProgress<'_> = &|_, _| ControlFlow::Break(());
    assert_eq!(gallery.k_center(None, 1, stop).unwrap_err(), Error::Interrupted);
}
