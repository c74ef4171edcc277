//! Tests of whole operations: against reference vectors, against the float reference, and between
//! levels.

mod agreement;
mod block_mask;
mod boxes;
mod config;
mod golden;
mod levels;
mod reference;
mod vectors;
mod views_file;

use dataset::{Image, PixelOrder};

use crate::{Renderer, ViewParams};

/// A row-major image.
fn image(bytes: &[u8], height: usize, width: usize) -> Image<'_> {
    Image { bytes, width, height, order: PixelOrder::RowMajor }
}

fn render(view: &ViewParams, bytes: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let mut out = vec![0; 3 * to[0] * to[1]];
    let image = image(bytes, from[0], from[1]);
    Renderer::new().apply(view, &image, to[0], to[1], &mut out);
    out
}

/// Bytes that look like noise; the same for the same seed.
fn noise(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// Waves of different length in each channel: neighboring pixels resemble each other as in
/// photographs.
fn waves(height: usize, width: usize, seed: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(3 * height * width);
    for channel in 0..3u32 {
        for y in 0..height {
            for x in 0..width {
                let phase = f64::from(seed % 1000 * 7 + channel * 3);
                let (x, y) = (x as f64, y as f64);
                let value = (x * 0.13 + phase).sin()
                    + (y * 0.09 - phase).cos() * 0.7
                    + ((x + 2.0 * y) * 0.31 * phase.cos()).sin() * 0.3;
                bytes.push((127.5 + value * 64.0).clamp(0.0, 255.0) as u8);
            }
        }
    }
    bytes
}
