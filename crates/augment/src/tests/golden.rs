//! Set E of the reference vectors: torchvision's operations and the original Keras repository's.

use serde_json::Value;

use super::reference::{self, Picture};
use super::vectors::{Vectors, number, numbers};
use crate::{CropBox, PixelOp, ViewParams};

/// Taps of the blur in a chain, which the cases of chains do not say.
const CHAIN_KERNEL: usize = 9;

/// The view that a case of `e_torchvision` describes, and the size of its output.
fn view(case: &Value, [height, width]: [usize; 2]) -> (ViewParams, [usize; 2]) {
    let params = &case["params"];
    let mut view = ViewParams::whole(width, height);
    let mut size = [height, width];
    match case["op"].as_str().unwrap() {
        "adjust_brightness" => view.pixel_ops.push(PixelOp::Brightness(number(&params["factor"]))),
        "adjust_contrast" => view.pixel_ops.push(PixelOp::Contrast(number(&params["factor"]))),
        "adjust_saturation" => view.pixel_ops.push(PixelOp::Saturation(number(&params["factor"]))),
        "adjust_hue" => view.pixel_ops.push(PixelOp::Hue(number(&params["shift"]))),
        "rgb_to_grayscale" => view.pixel_ops.push(PixelOp::Grayscale),
        "solarize" => view.pixel_ops.push(PixelOp::Solarize(number(&params["threshold"]))),
        "horizontal_flip" => view.flip = true,
        "gaussian_blur" => {
            let kernel = number(&params["kernel"]) as usize;
            view.pixel_ops.push(PixelOp::GaussianBlur {
                kernel_size: kernel,
                sigma: number(&params["sigma"]),
            });
        }
        "resized_crop" => {
            view.crop = crop_box(&params["box"]);
            size = numbers(&params["size"]).map(|side| side as usize);
        }
        "chain" => {
            let steps = &params["steps"];
            view.crop = crop_box(&steps["crop"]);
            size = numbers(&steps["size"]).map(|side| side as usize);
            view.flip = steps["flip"].as_bool().unwrap();
            view.pixel_ops = vec![
                PixelOp::Brightness(number(&steps["brightness"])),
                PixelOp::Contrast(number(&steps["contrast"])),
                PixelOp::Saturation(number(&steps["saturation"])),
                PixelOp::Hue(number(&steps["hue"])),
                PixelOp::GaussianBlur { kernel_size: CHAIN_KERNEL, sigma: number(&steps["sigma"]) },
            ];
        }
        other => panic!("unknown operation {other}"),
    }
    (view, size)
}

fn crop_box(list: &Value) -> CropBox {
    let [top, left, height, width] = numbers(list);
    CropBox { top, left, height, width }
}

/// The case's source image: bytes, height and width.
fn source(vectors: &Vectors, case: &Value) -> (Vec<u8>, [usize; 2]) {
    let (bytes, shape) = vectors.bytes(case["image"].as_str().unwrap());
    (bytes, [shape[1], shape[2]])
}

fn is_float(case: &Value) -> bool {
    case["input"].as_str().unwrap().starts_with("float32")
}

/// One channel is stored for one-channel gray; ours has three equal ones.
fn largest_difference<T: Copy>(ours: &[T], theirs: &[T], apart: impl Fn(T, T) -> f64) -> f64 {
    let pairs = ours.iter().zip(theirs).map(|(&a, &b)| apart(a, b));
    pairs.fold(0.0, f64::max)
}

/// Without antialiasing torchvision skips pixels when shrinking; the float reference can, the
/// renderer never does.
fn shrinks_without_antialiasing(case: &Value) -> bool {
    let params = &case["params"];
    params["antialias"] == Value::Bool(false) && {
        let ([_, _, height, width], [rows, columns]) =
            (numbers::<4>(&params["box"]), numbers::<2>(&params["size"]));
        height > rows || width > columns
    }
}

#[test]
fn the_float_reference_is_torchvision() {
    let vectors = Vectors::read("e_torchvision");
    for case in vectors.cases().filter(|case| is_float(case)) {
        let key = case["key"].as_str().unwrap();
        let (bytes, from) = source(&vectors, case);
        let (view, [height, width]) = view(case, from);
        let picture = Picture::from_bytes(&bytes, from[0], from[1], 255.0);
        let ours = if shrinks_without_antialiasing(case) {
            reference::crop(&picture, &view.crop, height, width, false)
        } else {
            reference::render(&view, &picture, height, width)
        };
        let (theirs, _) = vectors.floats(key);
        let apart = largest_difference(&ours.values, &theirs, |a, b| f64::from((a - b).abs()));
        let chained = key.starts_with("chain") || key.starts_with("adjust_hue");
        let tolerance = if chained { 1e-5 } else { 2e-6 };
        assert!(apart <= tolerance, "{key}: {apart:e} apart");
    }
}

/// torchvision truncates after every operation on bytes, and truncates the gray before it is
/// blended; the kernels round once. So two levels occur where both truncations fall together.
#[test]
fn bytes_are_those_of_torchvision_within_its_truncation() {
    let vectors = Vectors::read("e_torchvision");
    for case in vectors.cases().filter(|case| !is_float(case)) {
        let key = case["key"].as_str().unwrap();
        if shrinks_without_antialiasing(case) {
            continue;
        }
        let (bytes, from) = source(&vectors, case);
        let (view, to) = view(case, from);
        let ours = super::render(&view, &bytes, from, to);
        let (theirs, _) = vectors.bytes(key);
        let apart = largest_difference(&ours, &theirs, |a, b| f64::from(a.abs_diff(b)));
        let tolerance = match case["op"].as_str().unwrap() {
            "chain" => 3.0,
            "adjust_saturation" | "adjust_contrast" => 2.0,
            _ => 1.0,
        };
        assert!(apart <= tolerance, "{key}: {apart} levels apart");
    }
}

/// The closer test of the same cases: half a level of rounding, and what fixed point loses (most in
/// the blur, which adds eight rounded products).
/// Shrinking rounds to bytes twice, after each of its two directions.
#[test]
fn bytes_are_the_rounded_floats_of_torchvision() {
    let vectors = Vectors::read("e_torchvision");
    for case in vectors.cases().filter(|case| is_float(case)) {
        let key = case["key"].as_str().unwrap();
        if shrinks_without_antialiasing(case) {
            continue;
        }
        let (bytes, from) = source(&vectors, case);
        let (view, to) = view(case, from);
        let ours: Vec<f32> =
            super::render(&view, &bytes, from, to).into_iter().map(f32::from).collect();
        let (theirs, _) = vectors.floats(key);
        let theirs: Vec<f32> = theirs.iter().map(|value| value * 255.0).collect();
        let apart = largest_difference(&ours, &theirs, |a, b| f64::from((a - b).abs()));
        assert!(apart <= 0.65, "{key}: {apart} levels apart");
    }
}

/// An image of `e_seed_ops`, as planes.
fn planes(values: &[f32], shape: &[usize], image: usize) -> Picture {
    let (height, width) = (shape[1], shape[2]);
    let pixels = &values[image * height * width * 3..][..height * width * 3];
    let values = (0..3).flat_map(|channel| pixels.iter().skip(channel).step_by(3).copied());
    Picture { height, width, values: values.collect() }
}

fn seed_step(op: &str, value: f64) -> PixelOp {
    match op {
        "brightness" => PixelOp::Brightness(value),
        "contrast" => PixelOp::Contrast(value),
        "saturation" => PixelOp::Saturation(value),
        "hue" => PixelOp::Hue(value),
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn the_float_reference_is_the_original_repository() {
    let vectors = Vectors::read("e_seed_ops");
    let (bytes, shape) = vectors.bytes("images");
    let images: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 256.0).collect();
    for case in vectors.cases() {
        let (op, key) = (case["op"].as_str().unwrap(), case["key"].as_str().unwrap());
        let (theirs, _) = vectors.floats(key);
        for image in 0..shape[0] {
            let picture = planes(&images, &shape, image);
            let ours = match op {
                "random_resized_crop" => {
                    let corners = numbers::<4>(&case["boxes_y1x1y2x2"][image]);
                    reference::crop_corners(&picture, corners.map(|value| value as f32))
                }
                "color_jitter" => {
                    let order = case["order"].as_array().unwrap().iter();
                    order.fold(picture, |picture, op| {
                        let op = op.as_str().unwrap();
                        reference::apply(&picture, seed_step(op, number(&case["value"][op][image])))
                    })
                }
                op => reference::apply(&picture, seed_step(op, number(&case["value"][image]))),
            };
            let theirs = planes(&theirs, &shape, image);
            let apart =
                largest_difference(&ours.values, &theirs.values, |a, b| f64::from((a - b).abs()));
            let tolerance = if matches!(op, "hue" | "color_jitter") { 1e-5 } else { 2e-6 };
            assert!(apart <= tolerance, "{key}, image {image}: {apart:e} apart");
        }
    }
}
