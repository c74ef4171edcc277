use tch::{Device, Kind, Tensor};

use super::*;
use crate::SINGLE_LABEL_C;

/// Images of classes that overlap: class centers on a circle, and noise without a pattern.
fn features(images: usize, classes: usize, spread: f64) -> Features {
    let noise = Tensor::arange(2 * images as i64, (Kind::Double, Device::Cpu));
    let noise =
        (((noise * 12.9898).sin() * 43_758.545_3).frac() * 2.0 * spread).view([images as i64, 2]);
    let labels: Vec<u16> = (0..images).map(|at| (at % classes) as u16).collect();
    let turns: Vec<f64> = labels
        .iter()
        .map(|&label| std::f64::consts::TAU * f64::from(label) / classes as f64)
        .collect();
    let turns = Tensor::from_slice(&turns);
    let centers = Tensor::stack(&[turns.cos(), turns.sin()], 1);
    Features::new((centers + noise).to_kind(Kind::Float), &labels).unwrap()
}

#[test]
fn confidences_are_as_good_as_they_say() {
    let labeled = features(600, 3, 0.6);
    let predictor = LabelPredictor::fit(&labeled, &LinearSettings::default()).unwrap();
    let calibration = predictor.calibration().unwrap();
    assert_eq!(calibration.images, 600);
    assert!((0.4..0.9).contains(&calibration.accuracy), "{calibration:?}");
    assert!(calibration.calibration_error < 0.08, "{calibration:?}");
    // Of images that were not labeled, about as many are right as the mean confidence says.
    let more = features(5000, 3, 0.6);
    let (x, labels) = (more.x().narrow(0, 600, 4400), &more.label_vec()[600..]);
    let found = predictor.predict(&x, 1);
    let right = found.iter().zip(labels).filter(|(found, label)| found.ranked[0].0 == **label);
    let accuracy = right.count() as f64 / 4400.0;
    let mean = found.iter().map(|found| found.ranked[0].1).sum::<f64>() / 4400.0;
    assert!((accuracy - mean).abs() < 0.05, "{accuracy} {mean}");
    assert!((accuracy - calibration.accuracy).abs() < 0.06, "{accuracy} {calibration:?}");
}

#[test]
fn classes_are_ranked_and_confidences_sum_to_one() {
    let labeled = features(60, 4, 0.5);
    let predictor = LabelPredictor::fit(&labeled, &LinearSettings::default()).unwrap();
    for found in predictor.predict(labeled.x(), 9) {
        assert_eq!(found.ranked.len(), 4);
        assert!(found.ranked.is_sorted_by(|a, b| a.1 >= b.1));
        let sum: f64 = found.ranked.iter().map(|(_, share)| share).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }
    let two = predictor.predict(labeled.x(), 2);
    assert!(two.iter().all(|found| found.ranked.len() == 2) && two.len() == 60);
}

#[test]
fn more_rows_than_a_block_are_the_same_rows() {
    let labeled = features(30, 3, 0.5);
    let predictor = LabelPredictor::fit(&labeled, &LinearSettings::default()).unwrap();
    let x = labeled.x().repeat([200, 1]);
    let found = predictor.predict(&x, 1);
    assert_eq!(found.len(), 6000);
    assert!((0..6000).all(|row| found[row].ranked[0].0 == found[row % 30].ranked[0].0));
}

#[test]
fn one_image_a_class_is_enough_to_predict_and_too_few_to_calibrate() {
    let labeled = features(3, 3, 0.0);
    let predictor = LabelPredictor::fit(&labeled, &LinearSettings::default()).unwrap();
    assert_eq!((predictor.calibration(), predictor.c()), (None, SINGLE_LABEL_C));
    let found = predictor.predict(labeled.x(), 1);
    assert!((0..3).all(|label| found[label].ranked[0].0 == label as i64));
    // One class can't be told from another.
    let one = Features::new(Tensor::ones([2, 2], (Kind::Float, Device::Cpu)), &[4, 4]).unwrap();
    let refused = LabelPredictor::fit(&one, &LinearSettings::default()).err().unwrap();
    assert_eq!(refused, Error::TooFewClasses { found: 1 });
}

#[test]
fn where_one_part_is_held_out_confidences_are_calibrated_on_it() {
    let labeled = features(600, 3, 0.6);
    let settings = LinearSettings { most_cross_validated: 599, ..LinearSettings::default() };
    let calibration = LabelPredictor::fit(&labeled, &settings).unwrap().calibration().unwrap();
    assert_eq!(calibration.images, 120);
    assert!((0.4..0.9).contains(&calibration.accuracy), "{calibration:?}");
    assert!(calibration.calibration_error < 0.15, "{calibration:?}");
}

#[test]
fn two_images_of_a_class_are_calibrated_on_each_other() {
    let x = Tensor::from_slice(&[0f32, 0.0, 0.1, 0.0, 1.0, 1.0]).view([3, 2]);
    let labeled = Features::new(x, &[0, 0, 1]).unwrap();
    let predictor = LabelPredictor::fit(&labeled, &LinearSettings::default()).unwrap();
    assert_eq!(predictor.calibration().unwrap().images, 2);
}
