use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;

const GO_ON: OnProgress<'static> = &|_, _| ControlFlow::Continue(());

/// `count` directions in `features` dimensions, without a pattern.
fn scattered(count: i64, features: i64, seed: u64) -> Gallery {
    let numbers = Tensor::arange(count * features, (Kind::Double, Device::Cpu)) * 12.9898;
    let numbers = ((numbers + seed as f64).sin() * 43_758.545_3).frac();
    Gallery::new(&numbers.view([count, features])).unwrap()
}

fn rows(gallery: &Gallery) -> Vec<Vec<f64>> {
    let all = gallery.rows(0, gallery.count());
    (0..all.size()[0]).map(|row| Vec::<f64>::try_from(&all.get(row)).unwrap()).collect()
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[test]
fn groups_that_are_apart_are_found_the_largest_first() {
    // Around three axes, 2, 5 and 3 images.
    let groups = [1usize, 0, 1, 2, 1, 0, 1, 2, 2, 1];
    let values: Vec<f64> = groups
        .iter()
        .enumerate()
        .flat_map(|(at, &group)| {
            let small = 0.01 * at as f64;
            (0..3).map(move |axis| if axis == group { 5.0 } else { small })
        })
        .collect();
    let gallery = Gallery::new(&Tensor::from_slice(&values).view([10, 3])).unwrap();
    for seed in 0..5 {
        let settings = KMeansSettings { seed, ..KMeansSettings::new(3) };
        let found = gallery.k_means(&settings, GO_ON).unwrap();
        assert_eq!(found.sizes, [5, 3, 2], "seed {seed}");
        let expected: Vec<u32> = groups.iter().map(|&group| [2, 0, 1][group]).collect();
        assert_eq!(found.labels, expected);
        assert!(found.converged && found.inertia < 1e-3, "{found:?}");
    }
}

#[test]
fn copies_are_one_image_and_equal_distances_go_to_the_first() {
    let gallery = Gallery::new(&Tensor::from_slice(&[1.0, 0.0, 3.0, 0.0, 0.0, 2.0]).view([3, 2]));
    let found = gallery.unwrap().k_means(&KMeansSettings::new(3), GO_ON).unwrap();
    assert_eq!((found.sizes.clone(), found.labels.clone()), (vec![2, 1], vec![0, 0, 1]));
    assert!(found.inertia.abs() < 1e-12 && !found.is_empty());
    let equal = Gallery::new(&Tensor::ones([5, 2], (Kind::Double, Device::Cpu))).unwrap();
    let found = equal.k_means(&KMeansSettings::new(9), GO_ON).unwrap();
    assert_eq!((found.len(), found.labels), (1, vec![0; 5]));
}

#[test]
fn the_result_is_the_same_again_and_depends_on_the_seed() {
    let gallery = scattered(3000, 8, 0);
    let labels = |seed| {
        let settings = KMeansSettings { seed, ..KMeansSettings::new(7) };
        gallery.k_means(&settings, GO_ON).unwrap().labels
    };
    assert_eq!(labels(3), labels(3));
    assert_ne!(labels(3), labels(4));
}

#[test]
fn what_can_not_be_asked_for_is_an_error() {
    let gallery = scattered(4, 2, 0);
    let none = gallery.k_means(&KMeansSettings::new(0), GO_ON).unwrap_err();
    assert_eq!(none.to_string(), "clusters must be at least 1, found 0");
    let stop: OnProgress<'_> = &|_, _| ControlFlow::Break(());
    let stopped = gallery.k_means(&KMeansSettings::new(2), stop).unwrap_err();
    assert_eq!(stopped, Error::Interrupted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Lloyd's two conditions, computed one image at a time.
    #[test]
    fn centers_are_means_and_images_are_with_the_nearest(
        seed in 0u64..1000, clusters in 1usize..8,
    ) {
        let gallery = scattered(60, 3, seed);
        let settings = KMeansSettings { seed, ..KMeansSettings::new(clusters) };
        let found = gallery.k_means(&settings, GO_ON).unwrap();
        prop_assert!(found.converged);
        prop_assert!(found.sizes.is_sorted_by(|a, b| a >= b) && found.sizes.len() == clusters);
        let rows = rows(&gallery);
        let mut means = vec![vec![0.0; 3]; clusters];
        for (row, &label) in rows.iter().zip(&found.labels) {
            for (sum, value) in means[label as usize].iter_mut().zip(row) {
                *sum += value / found.sizes[label as usize] as f64;
            }
        }
        let mut inertia = 0.0;
        for (row, &label) in rows.iter().zip(&found.labels) {
            let own = square(row, &means[label as usize]);
            inertia += own / 60.0;
            let mut others = means.iter().zip(&found.sizes).filter(|(_, size)| **size > 0);
            prop_assert!(others.all(|(mean, _)| own <= square(row, mean) + 1e-12));
        }
        prop_assert!((inertia - found.inertia).abs() < 1e-12, "{} {}", inertia, found.inertia);
        let assigned: Vec<u32> =
            found.assign(&gallery).into_iter().map(|label| label as u32).collect();
        prop_assert_eq!(assigned, found.labels);
    }
}
