//! Patterns that fill an object: values in [0, 1], half of each on average.

use super::rng::PatternRng;
use super::wave::{centered, smooth, triangle};

/// What an object looks like from nearby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texture {
    Stripes,
    Checks,
    Dots,
    Zigzag,
    Blotches,
}

/// Plane waves whose sum makes blotches.
const WAVES: usize = 5;

/// A texture with its random numbers drawn.
pub(crate) struct Pattern {
    texture: Texture,
    /// Periods a pixel along the two axes of the pattern, and its phases.
    axis: (f32, f32),
    phase: (f32, f32),
    /// Values a pixel at an edge between the two colors: edges are about one pixel wide.
    sharpness: f32,
    waves: [(f32, f32, f32); WAVES],
}

impl Pattern {
    /// Draws tilt, phase and scale; a period is `period` pixels long.
    pub fn new(texture: Texture, period: f32, draws: &mut PatternRng) -> Self {
        let (cosine, sine) = draws.tilt();
        let axis = (cosine / period, sine / period);
        let phase = (draws.uniform(0.0, 1.0), draws.uniform(0.0, 1.0));
        let waves = std::array::from_fn(|_| {
            let (x, y) = draws.direction();
            let frequency = draws.uniform(0.6, 1.0) / period;
            (x * frequency, y * frequency, draws.uniform(0.0, 1.0))
        });
        Self { texture, axis, phase, sharpness: period / 4.0, waves }
    }

    /// The values at (`x[i]`, `y`) in pixels.
    pub fn values(&self, x: &[f32], y: f32, out: &mut [f32]) {
        let (a, b) = self.axis;
        let (p0, q0) = (self.phase.0 + b * y, self.phase.1 + a * y);
        let pq = |x: f32| (a * x + p0, q0 - b * x);
        let edge = |value: f32| (0.5 + value * self.sharpness).clamp(0.0, 1.0);
        match self.texture {
            Texture::Stripes => map(x, out, |x| edge(triangle(pq(x).0))),
            Texture::Checks => map(x, out, |x| {
                let (p, q) = pq(x);
                edge(2.0 * triangle(0.7 * p) * triangle(0.7 * q))
            }),
            Texture::Dots => map(x, out, |x| {
                let (p, q) = pq(x);
                let (p, q) = (centered(p), centered(q));
                edge(4.0 * (0.37 - (p * p + q * q).sqrt()))
            }),
            Texture::Zigzag => map(x, out, |x| {
                let (p, q) = pq(x);
                edge(triangle(p + 0.4 * triangle(0.6 * q)))
            }),
            Texture::Blotches => map(x, out, |x| {
                let sum: f32 =
                    self.waves.iter().map(|&(fx, fy, phase)| smooth(fx * x + fy * y + phase)).sum();
                edge(sum)
            }),
        }
    }
}

#[inline(always)]
fn map(x: &[f32], out: &mut [f32], value: impl Fn(f32) -> f32) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = value(x);
    }
}
