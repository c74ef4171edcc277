//! Time to render one view on one core, by recipe and instruction set.
//!
//! `cargo bench -p augment`; prints nanoseconds a view and views a second: the best of many short
//! rounds, as others may use the machine.
#![allow(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::hint::black_box;
use std::time::Instant;

use augment::{
    Blur, Crop, CropDraw, Flip, Grayscale, Jitter, Level, Op, Recipe, Renderer, ViewKey,
};
use dataset::{Image, PixelOrder};

const SIDE: usize = 96;
const IMAGES: usize = 32;
const VIEWS: u64 = 200;
const ROUNDS: usize = 200;

/// SimCLR's recipe for small images, as other libraries were measured with it.
fn simclr() -> Recipe {
    let ops = vec![
        Op::Flip(Flip { p: 0.5 }),
        Op::Crop(Crop {
            area: [0.2, 1.0],
            aspect: [0.75, 4.0 / 3.0],
            draw: CropDraw::Redrawn,
        }),
        Op::Jitter(Jitter {
            p: 0.8,
            brightness: 0.5,
            contrast: 0.5,
            saturation: 0.5,
            hue: 0.2,
        }),
        Op::Grayscale(Grayscale { p: 0.2 }),
        Op::Blur(Blur {
            p: 0.5,
            kernel: 9,
            sigma: [0.1, 2.0],
        }),
    ];
    Recipe { size: SIDE, ops }
}

/// One recipe for each part of the work.
fn recipes() -> Vec<(&'static str, Recipe)> {
    let strong = Recipe::seed_strong(SIDE);
    let only = |ops: &[Op]| Recipe {
        size: SIDE,
        ops: ops.to_vec(),
    };
    let blur = Op::Blur(Blur {
        p: 1.0,
        kernel: 9,
        sigma: [0.1, 2.0],
    });
    vec![
        ("copy", only(&[])),
        ("flip and crop", only(&strong.ops[..2])),
        ("jitter", only(&strong.ops[2..])),
        ("blur", only(&[blur])),
        ("seed recipe", strong),
        ("SimCLR recipe", simclr()),
    ]
}

fn main() {
    let bytes: Vec<u8> = (0..IMAGES * 3 * SIDE * SIDE)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let images: Vec<Image<'_>> = bytes
        .chunks_exact(3 * SIDE * SIDE)
        .map(|bytes| Image {
            bytes,
            width: SIDE,
            height: SIDE,
            order: PixelOrder::ColumnMajor,
        })
        .collect();
    println!(
        "{:16} {:8} {:>9} {:>12}",
        "views of 96x96", "level", "ns/view", "views/s/core"
    );
    for (name, recipe) in recipes() {
        for level in Level::ALL {
            if let Some(mut renderer) = Renderer::with_level(level) {
                let secs = time(&mut renderer, &recipe, &images);
                println!(
                    "{name:16} {level:<8?} {:9.0} {:12.0}",
                    secs * 1e9,
                    1.0 / secs
                );
            }
        }
    }
}

/// Seconds a view, of the best round.
fn time(renderer: &mut Renderer, recipe: &Recipe, images: &[Image<'_>]) -> f64 {
    let mut out = vec![0; 3 * SIDE * SIDE];
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for image in 0..VIEWS {
            let key = ViewKey {
                seed: 0,
                epoch: 0,
                image,
                view: 0,
            };
            renderer.render(recipe, &images[image as usize % IMAGES], key, &mut out);
            black_box(&mut out);
        }
        best = best.min(start.elapsed().as_secs_f64() / VIEWS as f64);
    }
    best
}
