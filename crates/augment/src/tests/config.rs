//! Recipes as JSON, their checks, and what their draws depend on.

use serde_json::{from_value, json};

use crate::transforms::{ColorJitter, CropSampling, HorizontalFlip, RandomResizedCrop, Transform};
use crate::{PixelOp, Recipe, ViewKey, ViewParams};

const KEY: ViewKey = ViewKey { seed: 1, epoch: 2, image: 3, view: 4 };

#[test]
fn json_names_operations_and_settings() {
    let text = json!({"size": 96, "transforms": [
        {"random_resized_crop": {"scale": [0.2, 1.0], "ratio": [0.75, 1.3333333333333333], "sampling": "retry"}},
        {"horizontal_flip": {"p": 0.5}},
        {"color_jitter": {"p": 0.8, "brightness": 0.4, "contrast": 0.4, "saturation": 0.2, "hue": 0.1}},
        {"grayscale": {"p": 0.2}},
        {"gaussian_blur": {"p": 0.5, "kernel_size": 9, "sigma": [0.1, 2.0]}},
        {"solarize": {"p": 0.2, "threshold": 0.5}},
    ]});
    let recipe: Recipe = from_value(text.clone()).unwrap();
    assert_eq!(recipe.validate(), Ok(()));
    assert_eq!(serde_json::to_value(&recipe).unwrap(), text);
}

#[test]
fn unknown_keys_are_errors() {
    for text in [
        json!({"size": 96, "transforms": [], "sizes": 1}),
        json!({"size": 96, "transforms": [{"horizontal_flip": {"p": 0.5, "q": 1}}]}),
        json!({"size": 96, "transforms": [{"random_resized_crop": {"scale": [0.2, 1.0], "ratio": [0.75, 1.3], "sampling": "cut"}}]}),
        json!({"size": 96, "transforms": [{"flop": {"p": 0.5}}]}),
        json!({"size": 96, "transforms": [{"horizontal_flip": {}}]}),
    ] {
        assert!(from_value::<Recipe>(text.clone()).is_err(), "{text}");
    }
}

/// One wrong setting each: operations, and the message.
#[test]
fn messages_name_key_expected_found() {
    let cases = [
        (
            json!([{"horizontal_flip": {"p": 1.5}}]),
            "recipe key `transforms[0].horizontal_flip.p`: expected a number from 0 to 1, found 1.5",
        ),
        (
            json!([{"horizontal_flip": {"p": 0.5}}, {"random_resized_crop": {"scale": [0.0, 1.0], "ratio": [1.0, 1.0], "sampling": "clip"}}]),
            "recipe key `transforms[1].random_resized_crop.scale`: expected [low, high] with 0 < low <= high <= 1, found [0, 1]",
        ),
        (
            json!([{"random_resized_crop": {"scale": [0.1, 1.0], "ratio": [2.0, 1.0], "sampling": "clip"}}]),
            "recipe key `transforms[0].random_resized_crop.ratio`: expected [low, high] with 0 < low <= high, found [2, 1]",
        ),
        (
            json!([{"color_jitter": {"p": 1.0, "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.6}}]),
            "recipe key `transforms[0].color_jitter.hue`: expected a number from 0 to 0.5, found 0.6",
        ),
        (
            json!([{"color_jitter": {"p": 1.0, "brightness": 2.5, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}}]),
            "recipe key `transforms[0].color_jitter.brightness`: expected a number from 0 to 1, found 2.5",
        ),
        (
            json!([{"gaussian_blur": {"p": 0.5, "kernel_size": 8, "sigma": [0.1, 2.0]}}]),
            "recipe key `transforms[0].gaussian_blur.kernel_size`: expected an odd number of taps from 1 to 15, found 8",
        ),
        (
            json!([{"gaussian_blur": {"p": 0.5, "kernel_size": 17, "sigma": [0.1, 2.0]}}]),
            "recipe key `transforms[0].gaussian_blur.kernel_size`: expected an odd number of taps from 1 to 15, found 17",
        ),
        (
            json!([{"solarize": {"p": 0.5, "threshold": -1.0}}]),
            "recipe key `transforms[0].solarize.threshold`: expected a number from 0 to 1, found -1",
        ),
        (
            json!([{"grayscale": {"p": 0.5}}, {"horizontal_flip": {"p": 0.5}}]),
            "recipe key `transforms[1].horizontal_flip`: expected horizontal_flip and random_resized_crop before operations on pixels, found it after `grayscale`",
        ),
        (
            json!([{"horizontal_flip": {"p": 0.5}}, {"horizontal_flip": {"p": 0.5}}]),
            "recipe key `transforms[1].horizontal_flip`: expected it at most once, found a second `horizontal_flip`",
        ),
    ];
    for (ops, message) in cases {
        let recipe: Recipe = from_value(json!({"size": 8, "transforms": ops})).unwrap();
        assert_eq!(recipe.validate().unwrap_err().to_string(), message);
    }
    let recipe = Recipe { size: 0, transforms: Vec::new() };
    let message = "recipe key `size`: expected a number from 1 to 4096, found 0";
    assert_eq!(recipe.validate().unwrap_err().to_string(), message);
}

#[test]
fn seed_recipes_have_the_published_numbers() {
    let expected = |area, strength, hue| {
        vec![
            Transform::HorizontalFlip(HorizontalFlip { p: 0.5 }),
            Transform::RandomResizedCrop(RandomResizedCrop {
                scale: [area, 1.0],
                ratio: [0.75, 4.0 / 3.0],
                sampling: CropSampling::Clip,
            }),
            Transform::ColorJitter(ColorJitter {
                p: 1.0,
                brightness: strength,
                contrast: strength,
                saturation: strength,
                hue,
            }),
        ]
    };
    assert_eq!(Recipe::seed_strong(96).transforms, expected(0.2, 0.5, 0.2));
    assert_eq!(Recipe::seed_weak(96).transforms, expected(0.5, 0.2, 0.1));
    assert_eq!(Recipe::seed_weak(48).validate(), Ok(()));
}

#[test]
fn draws_depend_on_every_part_of_the_key_and_nothing_else() {
    let draw = |key| Recipe::seed_strong(96).draw(key, 96, 96);
    let view = draw(KEY);
    assert_eq!(view, draw(KEY));
    assert_ne!(view, draw(ViewKey { seed: 9, ..KEY }));
    assert_ne!(view, draw(ViewKey { epoch: 9, ..KEY }));
    assert_ne!(view, draw(ViewKey { image: 9, ..KEY }));
    assert_ne!(view, draw(ViewKey { view: 9, ..KEY }));
    // The position of a box does not depend on the image's size, so it is the same share.
    assert_eq!(view.pixel_ops, Recipe::seed_strong(48).draw(KEY, 64, 32).pixel_ops);
}

/// Draws never change: runs are reproducible across releases.
#[test]
fn draws_are_pinned() {
    let ViewParams { crop, flip, pixel_ops } = Recipe::seed_strong(96).draw(KEY, 96, 96);
    let crop = [crop.top, crop.left, crop.height, crop.width].map(|v| (v * 1000.0).round() as i64);
    let pixel_ops: Vec<String> = pixel_ops.iter().map(|op| format!("{op:.4?}")).collect();
    assert_eq!((crop, flip), PINNED_PLACE);
    assert_eq!(pixel_ops, PINNED_PIXEL_OPS);
}

const PINNED_PLACE: ([i64; 4], bool) = ([2638, 6323, 46589, 49853], true);
const PINNED_PIXEL_OPS: [&str; 4] =
    ["Contrast(0.6070)", "Brightness(0.9919)", "Hue(0.0234)", "Saturation(1.1682)"];

#[test]
fn jitter_is_uniform_and_in_every_order() {
    let recipe = Recipe::seed_strong(8);
    let (mut first, mut flips, mut sums) = ([0u32; 4], 0u32, [0.0; 4]);
    let views = 8000;
    for image in 0..views {
        let view = recipe.draw(ViewKey { image, ..KEY }, 8, 8);
        assert_eq!(view.pixel_ops.len(), 4);
        flips += u32::from(view.flip);
        for (place, step) in view.pixel_ops.iter().enumerate() {
            let (kind, value) = match *step {
                PixelOp::Brightness(factor) => (0, factor - 0.5),
                PixelOp::Contrast(factor) => (1, factor - 0.5),
                PixelOp::Saturation(factor) => (2, factor - 0.5),
                PixelOp::Hue(turn) => (3, (turn + 0.2) / 0.4),
                other => panic!("unexpected {other:?}"),
            };
            assert!((0.0..=1.0).contains(&value), "{step:?}");
            sums[kind] += value / views as f64;
            first[kind] += u32::from(place == 0);
        }
    }
    // Expected 2,000 of 8,000 (deviation 39), 4,000 of 8,000 (45) and 0.5 (0.0032).
    assert!(first.iter().all(|count| (1800..2200).contains(count)), "{first:?}");
    assert!((3775..4225).contains(&flips), "{flips}");
    assert!(sums.iter().all(|mean| (mean - 0.5).abs() < 0.016), "{sums:?}");
}

#[test]
fn probabilities_and_ranges_of_zero_leave_operations_out() {
    let jitter = |p, hue| {
        Transform::ColorJitter(ColorJitter {
            p,
            brightness: 0.0,
            contrast: 0.0,
            saturation: 0.0,
            hue,
        })
    };
    let steps = |op| {
        let recipe = Recipe { size: 8, transforms: vec![op] };
        recipe.draw(KEY, 8, 8).pixel_ops.len()
    };
    assert_eq!(steps(jitter(0.0, 0.5)), 0);
    assert_eq!(steps(jitter(1.0, 0.5)), 1);
    assert_eq!(steps(jitter(1.0, 0.0)), 0);
}
