//! One image: a patterned object on an uneven background, lit from a side, with sensor noise.

use super::rng::PatternRng;
use super::shape::Shape;
use super::texture::{Pattern, Texture};
use super::wave::smooth;

type Color = [f32; 3];

/// Renders images of one size; keeps its row buffers between images.
pub(crate) struct Renderer {
    size: usize,
    x: Vec<f32>,
    u: Vec<f32>,
    v: Vec<f32>,
    coverage: Vec<f32>,
    pattern: Vec<f32>,
    background: Vec<f32>,
    light: Vec<f32>,
    noise: Vec<u8>,
}

/// Everything random about one image but its noise.
struct Scene {
    center: (f32, f32),
    /// Inverse of the object's size and turn: pixels to the shape's own coordinates.
    to_shape: [f32; 4],
    /// Pixels a unit of the shape's coordinates.
    radius: f32,
    pattern: Pattern,
    colors: [Color; 2],
    background: [Color; 2],
    waves: [(f32, f32, f32); 3],
    /// Brightness in the middle, and its slope a pixel along x and y.
    light: (f32, f32, f32),
    /// Half the range of the noise, in levels.
    noise: f32,
}

impl Renderer {
    /// A renderer for images of `size` x `size` pixels.
    pub fn new(size: usize) -> Self {
        let row = || vec![0.0; size];
        Self {
            size,
            x: (0..size).map(|x| x as f32 + 0.5).collect(),
            u: row(),
            v: row(),
            coverage: row(),
            pattern: row(),
            background: row(),
            light: row(),
            noise: vec![0; 3 * size * size],
        }
    }

    /// Renders into `planes`, three row-major planes.
    pub fn render(
        &mut self,
        shape: Shape,
        texture: Texture,
        mut draws: PatternRng,
        planes: &mut [u8],
    ) {
        let scene = Scene::draw(texture, self.size as f32, &mut draws);
        draws.fill(&mut self.noise);
        let area = self.size * self.size;
        for row in 0..self.size {
            self.shade(&scene, shape, row as f32 + 0.5);
            for channel in 0..3 {
                let start = channel * area + row * self.size;
                self.color(&scene, channel, start, &mut planes[start..start + self.size]);
            }
        }
    }

    /// Fills the row buffers: how much object, which of its colors, which of the background's, how
    /// bright.
    fn shade(&mut self, scene: &Scene, shape: Shape, y: f32) {
        let [a, b, c, d] = scene.to_shape;
        let (x0, dy) = (scene.center.0, y - scene.center.1);
        for ((&x, u), v) in self.x.iter().zip(&mut self.u).zip(&mut self.v) {
            let dx = x - x0;
            *u = a * dx + b * dy;
            *v = c * dx + d * dy;
        }
        shape.distances(&self.u, &self.v, &mut self.coverage);
        for coverage in &mut self.coverage {
            *coverage = (0.5 - *coverage * scene.radius).clamp(0.0, 1.0);
        }
        scene.pattern.values(&self.x, y, &mut self.pattern);
        let [first, second, third] = scene.waves;
        let wave = |(fx, fy, phase): (f32, f32, f32), x: f32| smooth(fx * x + fy * y + phase);
        for ((&x, background), light) in
            self.x.iter().zip(&mut self.background).zip(&mut self.light)
        {
            let sum = wave(first, x) + wave(second, x) + wave(third, x);
            *background = (0.5 + 0.3 * sum).clamp(0.0, 1.0);
            *light = scene.light.0 + scene.light.1 * x + scene.light.2 * y;
        }
    }

    /// One row of one plane from the row buffers.
    fn color(&self, scene: &Scene, channel: usize, start: usize, out: &mut [u8]) {
        let [first, second] = scene.colors.map(|color| color[channel]);
        let [near, far] = scene.background.map(|color| color[channel]);
        let noise = &self.noise[start..start + self.size];
        let noise_scale = scene.noise / 127.5;
        let rows = self.coverage.iter().zip(&self.pattern).zip(&self.background).zip(&self.light);
        for ((out, &noise), (((&coverage, &pattern), &background), &light)) in
            out.iter_mut().zip(noise).zip(rows)
        {
            let behind = near + background * (far - near);
            let object = first + pattern * (second - first);
            let value = (behind + coverage * (object - behind)) * light;
            let level = 255.0 * value + (f32::from(noise) - 127.5) * noise_scale;
            *out = to_byte(level);
        }
    }
}

/// Rounds and clamps a level to 0..=255: the lowest mantissa bits of a number near 1.5 * 2^23 are
/// its integer part.
#[inline(always)]
fn to_byte(level: f32) -> u8 {
    (level.clamp(0.0, 255.0) + 12_582_912.0).to_bits() as u8
}

impl Scene {
    fn draw(texture: Texture, size: f32, draws: &mut PatternRng) -> Self {
        let radius = size * draws.uniform(0.42, 0.54);
        let middle = 0.5 * size;
        let center = (
            middle + size * draws.uniform(-0.08, 0.08),
            middle + size * draws.uniform(-0.08, 0.08),
        );
        let (cosine, sine) = draws.tilt();
        let stretch = draws.uniform(0.85, 1.0 / 0.85);
        let to_shape = [cosine * stretch, sine * stretch, -sine / stretch, cosine / stretch]
            .map(|k| k / radius);
        let pattern = Pattern::new(texture, size * draws.uniform(0.14, 0.19), draws);
        let (colors, background) = draw_colors(draws);
        let waves = std::array::from_fn(|_| {
            let (x, y) = draws.direction();
            let frequency = draws.uniform(0.4, 2.0) / size;
            (x * frequency, y * frequency, draws.uniform(0.0, 1.0))
        });
        let (slope_x, slope_y) = draws.direction();
        let slope = draws.uniform(0.0, 0.6) / size;
        let (slope_x, slope_y) = (slope_x * slope, slope_y * slope);
        let brightness = draws.uniform(0.75, 1.1);
        let light = (brightness - middle * (slope_x + slope_y), slope_x, slope_y);
        let noise = draws.uniform(2.0, 8.0);
        Self { center, to_shape, radius, pattern, colors, background, waves, light, noise }
    }
}

/// Two colors of the object that differ in brightness, in either order, and two of the background
/// that hardly do.
///
/// All are tinted grays: with vivid ones, an objective that compares views of an image finds its
/// colors the easiest thing to know it by, and learns little else.
fn draw_colors(draws: &mut PatternRng) -> ([Color; 2], [Color; 2]) {
    let (first, second) = loop {
        let (first, second) = (draws.uniform(0.05, 0.95), draws.uniform(0.05, 0.95));
        if (first - second).abs() > 0.4 {
            break (first, second);
        }
    };
    let near = draws.uniform(0.1, 0.9);
    let far = near + draws.uniform(-0.2, 0.2);
    let mut tinted = |level: f32| -> Color {
        std::array::from_fn(|_| (level + draws.uniform(-0.12, 0.12)).clamp(0.02, 0.98))
    };
    ([tinted(first), tinted(second)], [tinted(near), tinted(far)])
}
