//! Time to render views on one core, by part of the work and instruction set, for finding
//! regressions.
//!
//! `cargo bench -p augment` compares with the run before it; `-- --save-baseline NAME` and
//! `-- --baseline NAME` with a named one. `cargo xtask bench` measures whole recipes, beside other
//! libraries.

use std::hint::black_box;
use std::time::Duration;

use augment::{GaussianBlur, Recipe, Renderer, SimdLevel, Transform, ViewKey};
use criterion::{Criterion, Throughput};
use dataset::{Image, PixelOrder};

const SIDE: usize = 96;
/// Each is rendered once in what is timed: the same views every time.
const IMAGES: usize = 64;

/// One recipe for each part of the work. Views of half the side show crops that are mostly larger.
fn recipes() -> Vec<(&'static str, Recipe)> {
    let strong = Recipe::seed_strong(SIDE);
    let only = |transforms: &[Transform]| Recipe { size: SIDE, transforms: transforms.to_vec() };
    let blur = Transform::GaussianBlur(GaussianBlur { p: 1.0, kernel_size: 9, sigma: [0.1, 2.0] });
    vec![
        ("copy", only(&[])),
        ("flip and crop", only(&strong.transforms[..2])),
        ("reduced crop", Recipe { size: SIDE / 2, transforms: strong.transforms[..2].to_vec() }),
        ("jitter", only(&strong.transforms[2..])),
        ("blur", only(&[blur])),
        ("seed", strong),
    ]
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let bytes: Vec<u8> = (0..IMAGES * 3 * SIDE * SIDE)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let images: Vec<Image<'_>> = bytes
        .chunks_exact(3 * SIDE * SIDE)
        .map(|bytes| Image { bytes, width: SIDE, height: SIDE, order: PixelOrder::ColumnMajor })
        .collect();
    for (name, recipe) in recipes() {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(IMAGES as u64));
        for level in SimdLevel::ALL {
            if let Some(mut renderer) = Renderer::with_level(level) {
                group.bench_function(format!("{level:?}"), |bencher| {
                    bencher.iter(|| render(&mut renderer, &recipe, &images));
                });
            }
        }
        group.finish();
    }
    criterion.final_summary();
}

/// One view of each image.
fn render(renderer: &mut Renderer, recipe: &Recipe, images: &[Image<'_>]) {
    let mut out = vec![0; 3 * recipe.size * recipe.size];
    for (number, image) in images.iter().enumerate() {
        let key = ViewKey { seed: 0, epoch: 0, image: number as u64, view: 0 };
        renderer.render(recipe, image, key, &mut out);
        black_box(&mut out);
    }
}
