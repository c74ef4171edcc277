use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

use super::*;

/// Cross-entropy with smoothed targets, image by image.
fn cross_entropy(logits: &[[f64; 3]], targets: &[usize], temperature: f64) -> f64 {
    let rest = 1.0 / (logits.len() as f64 + 2.0) / 2.0;
    let of = |(row, &target): (&[f64; 3], &usize)| {
        let sum: f64 = row.iter().map(|z| (z / temperature).exp()).sum();
        let losses = row.iter().map(|z| sum.ln() - z / temperature);
        let share = |class: usize| if class == target { 1.0 - 2.0 * rest } else { rest };
        losses.enumerate().map(|(class, loss)| share(class) * loss).sum::<f64>()
    };
    logits.iter().zip(targets).map(of).sum()
}

fn fit(logits: &[[f64; 3]], targets: &[usize]) -> f64 {
    let targets: Vec<i64> = targets.iter().map(|&target| target as i64).collect();
    fit_temperature(&Tensor::from_slice2(logits), &Tensor::from_slice(&targets))
}

#[test]
fn the_temperature_is_that_of_the_logits_which_labels_were_drawn_by() {
    // Of 1,000 images with logits ln 6, ln 3, ln 1, the classes come as often as that says; given
    // logits three times as large, the temperature is 3.
    let logits = [6f64, 3.0, 1.0].map(|odds| 3.0 * odds.ln());
    let targets: Vec<usize> = (0..1000).map(|at| [0, 0, 0, 0, 0, 0, 1, 1, 1, 2][at % 10]).collect();
    let temperature = fit(&vec![logits; 1000], &targets);
    assert!((temperature - 3.0).abs() < 0.02, "{temperature}");
}

#[test]
fn a_few_images_that_are_all_right_do_not_give_certainty() {
    let eye = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let temperature = fit(&eye, &[0, 1, 2]);
    // All three images are right with the confidence that the smoothed target has: 4 of 5.
    let confidence = 1.0 / (1.0 + 2.0 * (-1.0 / temperature).exp());
    assert!((confidence - 0.8).abs() < 1e-6, "{confidence}");
}

#[test]
fn calibration_errors_of_literal_predictions() {
    assert_eq!(expected_calibration_error(&[], &[]), 0.0);
    // One bin: confidence 0.9 on average, half of it right.
    let error = expected_calibration_error(&[0.88, 0.92], &[true, false]);
    assert!((error - 0.4).abs() < 1e-12, "{error}");
    // Two bins, weighted by three and one: gaps 0.1 and 0.7.
    let error = expected_calibration_error(&[0.9, 0.9, 0.9, 0.3], &[true, true, true, true]);
    assert!((error - (3.0 * 0.1 + 0.7) / 4.0).abs() < 1e-12, "{error}");
    // Edges belong to the bin below; 0 and 1 have bins, too.
    assert_eq!(expected_calibration_error(&[1.0, 0.0], &[true, false]), 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_other_temperature_is_more_likely(seed in 0u64..1000) {
        let noise = Tensor::arange(36, (Kind::Double, Device::Cpu)) * 12.9898 + seed as f64;
        let noise = Vec::<f64>::try_from(&(noise.sin() * 43_758.545_3).frac()).unwrap();
        let logits: Vec<[f64; 3]> =
            noise.as_chunks::<3>().0.iter().map(|row| row.map(|z| 4.0 * z)).collect();
        let targets: Vec<usize> = (0..12).map(|at| (at + seed as usize / 3) % 3).collect();
        let found = fit(&logits, &targets);
        let least = cross_entropy(&logits, &targets, found);
        for step in -200..=200 {
            let other = 10f64.powf(f64::from(step) / 100.0);
            prop_assert!(least <= cross_entropy(&logits, &targets, other) + 1e-9);
        }
    }
}
