//! The integer kernels against the float reference: on whole recipes, and on what must be exact.

use dataset::{Image, PixelOrder};

use super::reference::{self, Picture};
use super::{noise, render, waves};
use crate::transforms::{
    ColorJitter, CropSampling, GaussianBlur, Grayscale, HorizontalFlip, RandomResizedCrop,
    Transform,
};
use crate::{CropBox, PixelOp, Recipe, Renderer, ViewKey, ViewParams};

/// SimCLR's augmentation for small images, with blur.
fn simclr(size: usize) -> Recipe {
    let transforms = vec![
        Transform::RandomResizedCrop(RandomResizedCrop {
            scale: [0.08, 1.0],
            ratio: [0.75, 4.0 / 3.0],
            sampling: CropSampling::Retry,
        }),
        Transform::HorizontalFlip(HorizontalFlip { p: 0.5 }),
        Transform::ColorJitter(ColorJitter {
            p: 0.8,
            brightness: 0.8,
            contrast: 0.8,
            saturation: 0.8,
            hue: 0.2,
        }),
        Transform::Grayscale(Grayscale { p: 0.2 }),
        Transform::GaussianBlur(GaussianBlur { p: 0.5, kernel_size: 9, sigma: [0.1, 2.0] }),
    ];
    Recipe { size, transforms }
}

/// Largest and mean distance in levels.
fn distance(view: &ViewParams, bytes: &[u8], from: [usize; 2], to: [usize; 2]) -> (f64, f64) {
    let ours = render(view, bytes, from, to);
    let picture = Picture::from_bytes(bytes, from[0], from[1], 255.0);
    let exact = reference::render(view, &picture, to[0], to[1]);
    let apart =
        ours.iter().zip(&exact.values).map(|(&a, &b)| (f64::from(a) - f64::from(b) * 255.0).abs());
    let (mut largest, mut sum) = (0.0f64, 0.0);
    for apart in apart {
        largest = largest.max(apart);
        sum += apart;
    }
    (largest, sum / ours.len() as f64)
}

/// Levels at most and on average, of a whole recipe.
const BOUNDS: (f64, f64) = (1.0, 0.3);

fn check_recipe(recipe: &Recipe, from: [usize; 2], views: u64) {
    let [height, width] = from;
    for image in 0..views {
        let bytes = match image % 2 {
            0 => waves(height, width, image as u32),
            _ => noise(3 * height * width, image as u32),
        };
        let key = ViewKey { seed: 11, epoch: 0, image, view: 1 };
        let view = recipe.draw(key, width, height);
        let (largest, mean) = distance(&view, &bytes, from, [recipe.size; 2]);
        assert!(largest <= BOUNDS.0, "{view:?} of {from:?}: up to {largest} levels apart");
        assert!(mean <= BOUNDS.1, "{view:?} of {from:?}: {mean} levels apart on average");
    }
}

#[test]
fn whole_recipes_are_close_to_the_float_reference() {
    check_recipe(&Recipe::seed_strong(96), [96, 96], 40);
    check_recipe(&Recipe::seed_weak(96), [96, 96], 10);
    check_recipe(&simclr(96), [96, 96], 40);
    check_recipe(&simclr(33), [31, 40], 40);
}

#[test]
fn shrinking_is_close_to_the_float_reference() {
    check_recipe(&simclr(24), [96, 80], 30);
    check_recipe(&Recipe::seed_strong(17), [33, 224], 30);
}

/// Crops alone, in one direction or in both, by little and by much: what is rounded before the
/// byte is hardly more than nothing.
#[test]
fn reduced_crops_are_the_rounded_floats() {
    let sides = [[1, 300], [300, 1], [7, 31], [33, 40], [224, 224], [700, 90]];
    let outputs = [[1, 1], [3, 20], [17, 32], [32, 97]];
    let mut reduced = 0;
    for (number, (from, to)) in
        sides.iter().flat_map(|from| outputs.map(|to| (*from, to))).enumerate()
    {
        for (left, part) in [(0.0, 1.0), (0.31, 0.69), (0.1, 0.333)] {
            let [height, width] = from.map(|side| side as f64);
            let crop = CropBox {
                top: left * height,
                left: left * width,
                height: part * height,
                width: part * width,
            };
            if crop.height <= to[0] as f64 && crop.width <= to[1] as f64 {
                continue;
            }
            let bytes = match number % 2 {
                0 => waves(from[0], from[1], number as u32),
                _ => noise(3 * from[0] * from[1], number as u32),
            };
            let view = ViewParams { crop, flip: number % 3 == 0, pixel_ops: Vec::new() };
            let (largest, _) = distance(&view, &bytes, from, to);
            assert!(largest <= 0.56, "{crop:?} of {from:?} to {to:?}: {largest} levels apart");
            reduced += 1;
        }
    }
    assert!(reduced > 50, "{reduced} crops");
}

/// A view without operations is the image, whatever its size.
#[test]
fn nothing_to_do_changes_nothing() {
    for side in [1, 2, 3, 31, 32, 33, 95, 96, 97] {
        let bytes = noise(3 * side * (side + 1), 5);
        let view = ViewParams::whole(side + 1, side);
        assert!(render(&view, &bytes, [side, side + 1], [side, side + 1]) == bytes, "side {side}");
    }
}

/// Factors of 1 and turns of 0 are exact, gray pixels stay what they are, flat images stay flat.
#[test]
fn neutral_steps_change_nothing() {
    let bytes = noise(3 * 20 * 37, 9);
    let gray: Vec<u8> = bytes[..20 * 37].repeat(3);
    let flat = [17, 200, 255].map(|value| [value; 740]).concat();
    let neutral = [
        PixelOp::Brightness(1.0),
        PixelOp::Contrast(1.0),
        PixelOp::Saturation(1.0),
        PixelOp::Hue(0.0),
    ];
    let for_gray = [
        PixelOp::Grayscale,
        PixelOp::Saturation(0.3),
        PixelOp::Saturation(1.9),
        PixelOp::Hue(0.31),
    ];
    let blur = PixelOp::GaussianBlur { kernel_size: 9, sigma: 1.5 };
    for (steps, bytes) in [(&neutral[..], &bytes), (&for_gray, &gray), (&[blur], &flat)] {
        for &step in steps {
            let mut view = ViewParams::whole(37, 20);
            view.pixel_ops.push(step);
            assert!(render(&view, bytes, [20, 37], [20, 37]) == *bytes, "{step:?}");
        }
    }
}

/// A full turn of the hue by thirds moves the channels round.
#[test]
fn a_third_of_a_turn_exchanges_the_channels() {
    let bytes = noise(3 * 32, 4);
    let mut view = ViewParams::whole(8, 4);
    view.pixel_ops.push(PixelOp::Hue(1.0 / 3.0));
    let turned = render(&view, &bytes, [4, 8], [4, 8]);
    let expected = [&bytes[64..], &bytes[..64]].concat();
    let apart = turned.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(apart <= Some(1), "{apart:?}");
}

#[test]
fn the_order_of_pixels_on_disk_does_not_matter() {
    let (height, width) = (19, 34);
    let rows = noise(3 * height * width, 8);
    let mut columns = vec![0; rows.len()];
    for channel in 0..3 {
        for y in 0..height {
            for x in 0..width {
                let plane = channel * height * width;
                columns[plane + x * height + y] = rows[plane + y * width + x];
            }
        }
    }
    let key = ViewKey { seed: 1, epoch: 2, image: 3, view: 4 };
    let image = |bytes, order| Image { bytes, width, height, order };
    let render = |image: &Image<'_>| {
        let mut out = vec![0; 3 * 40 * 40];
        Renderer::new().render(&simclr(40), image, key, &mut out);
        out
    };
    let by_rows = render(&image(&rows, PixelOrder::RowMajor));
    assert!(by_rows == render(&image(&columns, PixelOrder::ColumnMajor)));
}

/// What a renderer made before leaves no trace.
#[test]
fn a_used_renderer_gives_the_same_bytes() {
    let mut used = Renderer::new();
    for (i, size) in [40, 9, 96, 33, 40, 1, 97].into_iter().enumerate() {
        let bytes = noise(3 * 50 * 45, i as u32);
        let image = super::image(&bytes, 50, 45);
        let key = ViewKey { seed: 2, epoch: 0, image: i as u64, view: 0 };
        let recipe = if size < 5 { Recipe::seed_strong(size) } else { simclr(size) };
        let (mut fresh, mut again) = (vec![0; 3 * size * size], vec![1; 3 * size * size]);
        Renderer::new().render(&recipe, &image, key, &mut fresh);
        used.render(&recipe, &image, key, &mut again);
        assert!(fresh == again, "size {size}");
    }
}

/// Flipping the view is flipping the result.
#[test]
fn flip_mirrors_the_output() {
    let bytes = noise(3 * 30 * 41, 6);
    let crop = CropBox { top: 2.3, left: 4.9, height: 20.1, width: 30.7 };
    for to in [[30, 41], [9, 50], [9, 7]] {
        let mut view = ViewParams::whole(41, 30);
        view.crop = crop;
        let mut rows = render(&view, &bytes, [30, 41], to);
        view.flip = true;
        let flipped = render(&view, &bytes, [30, 41], to);
        rows.chunks_exact_mut(to[1]).for_each(<[u8]>::reverse);
        assert!(rows == flipped, "to {to:?}");
    }
}
