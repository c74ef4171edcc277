//! Crop boxes: one by one against the original's, and their distributions against the reference's.

use serde_json::Value;

use super::vectors::{Vectors, number, numbers};
use crate::transforms::{CropSampling, RandomResizedCrop};
use crate::view_rng::ViewRng;
use crate::{CropBox, ViewKey, ViewParams};

fn crop(scale: [f64; 2], sampling: CropSampling) -> RandomResizedCrop {
    let ratio = [3.0 / 4.0, 4.0 / 3.0];
    RandomResizedCrop { scale, ratio, sampling }
}

#[test]
fn clipped_boxes_are_those_of_the_original() {
    let vectors = Vectors::read("e_seed_ops");
    let cases = vectors.cases().filter(|case| case["op"] == "random_resized_crop");
    let mut count = 0;
    for case in cases {
        let crop = crop(numbers(&case["scale"]), CropSampling::Clip);
        for image in 0..4 {
            let unit = ["area", "log_ratio", "offset_y", "offset_x"]
                .map(|name| number(&case["u"][name][image]));
            let drawn = crop.clipped(unit, 1.0, 1.0);
            let [y1, x1, y2, x2] = numbers::<4>(&case["boxes_y1x1y2x2"][image]);
            let pairs = [
                (drawn.top, y1),
                (drawn.left, x1),
                (drawn.top + drawn.height, y2),
                (drawn.left + drawn.width, x2),
            ];
            assert!(pairs.iter().all(|(a, b)| (a - b).abs() < 1e-6), "{pairs:?}");
            count += 1;
        }
    }
    assert_eq!(count, 8);
}

/// Boxes of many images of 96 x 96 pixels, in shares of the image.
fn draw_many(crop: &RandomResizedCrop) -> Vec<CropBox> {
    let mut view = ViewParams::whole(96, 96);
    let view_rng = (0..20_000).map(|image| {
        let key = ViewKey { seed: 3, epoch: 0, image, view: 0 };
        crop.draw(&mut ViewRng::new(key), 96, 96, &mut view);
        let CropBox { top, left, height, width } = view.crop;
        assert!(
            top >= 0.0 && left >= 0.0 && top + height <= 96.0 + 1e-9 && left + width <= 96.0 + 1e-9
        );
        CropBox { top: top / 96.0, left: left / 96.0, height: height / 96.0, width: width / 96.0 }
    });
    view_rng.collect()
}

/// Compares mean and quantiles. Tolerances are about five standard errors of 20,000 draws, and for
/// quantiles one pixel, as whole-pixel boxes have no finer ones.
fn check(name: &str, mut values: Vec<f64>, expected: &Value) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let error = 5.0 * number(&expected["std"]) * (2.0 / count).sqrt();
    assert!((mean - number(&expected["mean"])).abs() < error, "{name}: mean {mean}, {expected}");
    values.sort_by(f64::total_cmp);
    for (quantile, key) in [(0.05, "q05"), (0.5, "q50"), (0.95, "q95")] {
        let value = values[(count * quantile) as usize];
        let apart = (value - number(&expected[key])).abs();
        assert!(apart < 1.01 / 96.0, "{name} {key}: {value}, {expected}");
    }
}

fn check_all(boxes: &[CropBox], expected: &Value, top: &str) {
    let of = |f: fn(&CropBox) -> f64| boxes.iter().map(f).collect::<Vec<f64>>();
    check("height", of(|b| b.height), &expected["height"]);
    check("width", of(|b| b.width), &expected["width"]);
    check("area", of(|b| b.height * b.width), &expected["area"]);
    check("aspect", of(|b| b.width / b.height), &expected["aspect_w_over_h"]);
    check("top", of(|b| b.top), &expected[top]);
    check("center", of(|b| b.top + b.height / 2.0), &expected["center_y"]);
}

#[test]
fn clipped_boxes_are_distributed_as_in_the_original() {
    let vectors = Vectors::read("e_seed_ops");
    for (name, area) in [("0.2-1.0", [0.2, 1.0]), ("0.5-1.0", [0.5, 1.0])] {
        let expected = &vectors.json["crop_statistics"][name];
        let boxes = draw_many(&crop(area, CropSampling::Clip));
        check_all(&boxes, expected, "y1");
        let clipped = boxes.iter().filter(|b| b.height == 1.0 || b.width == 1.0).count();
        let share = clipped as f64 / boxes.len() as f64;
        let expected = number(&expected["fraction_with_a_clipped_side"]);
        assert!((share - expected).abs() < 0.016, "{name}: {share}, {expected}");
    }
}

#[test]
fn redrawn_boxes_are_distributed_as_in_torchvision() {
    let vectors = Vectors::read("e_torchvision");
    for (name, area) in [("0.08-1.0", [0.08, 1.0]), ("0.2-1.0", [0.2, 1.0])] {
        let expected = &vectors.json["crop_statistics_96x96"][name];
        let boxes = draw_many(&crop(area, CropSampling::Retry));
        check_all(&boxes, expected, "top");
        let whole = |value: f64| (value * 96.0 - (value * 96.0).round()).abs() < 1e-9;
        assert!(
            boxes
                .iter()
                .all(|b| whole(b.top) && whole(b.left) && whole(b.height) && whole(b.width))
        );
    }
}

/// In an image of 200 x 20 pixels nearly no box of the whole area fits: the central one is taken.
#[test]
fn redrawn_falls_back_to_the_center() {
    let crop = crop([0.99, 1.0], CropSampling::Retry);
    let mut view = ViewParams::whole(200, 20);
    let key = ViewKey { seed: 0, epoch: 0, image: 0, view: 0 };
    crop.draw(&mut ViewRng::new(key), 200, 20, &mut view);
    let expected = CropBox { top: 0.0, left: 86.0, height: 20.0, width: 27.0 };
    assert_eq!(view.crop, expected);
    crop.draw(&mut ViewRng::new(key), 20, 200, &mut view);
    assert_eq!((view.crop.height, view.crop.width, view.crop.top), (27.0, 20.0, 86.0));
}
