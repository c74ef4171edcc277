//! Bilinear resampling of a box that is not larger than the output: two taps a direction.

use super::LANES;
use super::point::Pixels;
use super::simd::{GROUP, Simd};
use crate::CropBox;

/// Fraction bits of a tap's weight; the weight 1 fits.
const WEIGHT_BITS: u32 = 13;

/// Where one output row lies in the source: its upper tap and the lower tap's weight.
#[derive(Clone, Copy, Debug)]
struct Down {
    row: usize,
    weight: i16,
}

/// The sampling grid of a view. Reused: setting it again allocates only if it grows.
///
/// Across, [`GROUP`] outputs share a window of source pixels that starts at `bases`; their left
/// taps are counted from there.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    bases: Vec<usize>,
    index: Vec<u8>,
    weight: Vec<i16>,
    down: Vec<Down>,
}

impl Grid {
    /// Sets the grid that shows `crop` in `width` x `height` outputs, mirrored if `flip`.
    pub fn set(&mut self, crop: &CropBox, flip: bool, width: usize, height: usize) {
        let padded = width.next_multiple_of(LANES);
        self.bases.clear();
        self.index.clear();
        self.index.resize(padded, 0);
        self.weight.clear();
        self.weight.resize(padded, 0);
        for first in (0..padded).step_by(GROUP) {
            let outputs = first..width.min(first + GROUP);
            let tap = |x: usize| {
                let x = if flip { width - 1 - x } else { x };
                tap(crop.left, crop.width, x, width)
            };
            let base = if flip {
                outputs.end.wrapping_sub(1)
            } else {
                first
            };
            let base = if outputs.is_empty() { 0 } else { tap(base).0 };
            self.bases.push(base);
            for x in outputs {
                let (left, weight) = tap(x);
                // At most 15: outputs are not further apart than source pixels.
                self.index[x] = (left - base) as u8;
                self.weight[x] = weight;
            }
        }
        self.down.clear();
        self.down.extend((0..height).map(|y| {
            let (row, weight) = tap(crop.top, crop.height, y, height);
            Down { row, weight }
        }));
    }
}

/// The first tap of output `i` of `count` and the second tap's weight, on the half-pixel grid.
///
/// Positions are clamped to the pixels that the box touches, as if only those had been cut out.
fn tap(start: f64, length: f64, i: usize, count: usize) -> (usize, i16) {
    let position = start + (i as f64 + 0.5) * length / count as f64 - 0.5;
    let first = start.floor();
    let last = ((start + length).ceil() - 1.0).max(first);
    let position = position.clamp(first, last);
    let tap = position.floor();
    let weight = ((position - tap) * f64::from(1 << WEIGHT_BITS)).round() as i16;
    (tap as usize, weight)
}

/// Planes of row-major bytes to sample from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes<'a> {
    pub bytes: &'a [u8],
    pub width: usize,
    pub height: usize,
}

/// The last two source rows, resampled across (red, green, blue each), and which rows they are.
#[derive(Debug, Default)]
pub(crate) struct RowCache {
    rows: [Vec<i16>; 2],
    numbers: [Option<usize>; 2],
}

impl RowCache {
    /// Forgets everything and makes room for rows of `padded` pixels.
    pub fn reset(&mut self, padded: usize) {
        for row in &mut self.rows {
            row.resize(3 * padded, 0);
        }
        self.numbers = [None; 2];
    }

    /// Gets the source rows of output row `y` ready.
    #[inline(always)]
    pub fn prepare<S: Simd>(&mut self, from: Planes<'_>, grid: &Grid, y: usize) {
        let Down { row, weight } = grid.down[y];
        self.fetch::<S>(from, grid, row);
        if weight != 0 {
            self.fetch::<S>(from, grid, row + 1);
        }
    }

    /// Pixels of output row `y` from `x` on. The row must be prepared.
    #[inline(always)]
    pub fn read<S: Simd>(&self, grid: &Grid, y: usize, x: usize) -> Pixels<S> {
        let Down { row, weight } = grid.down[y];
        let (upper, lower) = (&self.rows[row % 2], &self.rows[(row + 1) % 2]);
        let padded = upper.len() / 3;
        // Where the weight is 0 the lower row is another one, which then has no part.
        let weight = S::splat(weight);
        [
            between(&upper[x..], &lower[x..], weight),
            between(&upper[padded + x..], &lower[padded + x..], weight),
            between(&upper[2 * padded + x..], &lower[2 * padded + x..], weight),
        ]
    }

    #[inline(always)]
    fn fetch<S: Simd>(&mut self, from: Planes<'_>, grid: &Grid, number: usize) {
        if self.numbers[number % 2] == Some(number) {
            return;
        }
        self.numbers[number % 2] = Some(number);
        let out = &mut self.rows[number % 2];
        let padded = out.len() / 3;
        let plane = from.width * from.height;
        for (channel, out) in out.chunks_exact_mut(padded).enumerate() {
            let source = &from.bytes[channel * plane + number * from.width..];
            resample_across::<S>(source, grid, out);
        }
    }
}

#[inline(always)]
fn between<S: Simd>(upper: &[i16], lower: &[i16], weight: S) -> S {
    let (a, b) = (S::load(upper), S::load(lower));
    a + (b - a).shl::<2>().mul(weight)
}

/// Resamples the row that `source` starts with.
#[inline(always)]
fn resample_across<S: Simd>(source: &[u8], grid: &Grid, out: &mut [i16]) {
    let mut copies = [[0; GROUP + 1]; LANES / GROUP];
    let blocks = out
        .chunks_exact_mut(LANES)
        .zip(grid.bases.chunks_exact(LANES / GROUP));
    for (block, (out, bases)) in blocks.enumerate() {
        let [first, second] = &mut copies;
        let windows = [
            window(source, bases[0], first),
            window(source, bases[1], second),
        ];
        let index = &grid.index[block * LANES..][..LANES];
        let weight = &grid.weight[block * LANES..][..LANES];
        for x in (0..LANES).step_by(S::WIDTH) {
            let (a, b) = S::pick(&windows, index, x);
            let step = (b - a).shl::<6>().mul(S::load(&weight[x..]));
            (a.shl::<4>() + step).store(&mut out[x..]);
        }
    }
}

/// 17 bytes from `base` on; near the end of the image a copy, padded with bytes whose weight is 0.
#[inline(always)]
fn window<'a>(source: &'a [u8], base: usize, copy: &'a mut [u8; GROUP + 1]) -> &'a [u8; GROUP + 1] {
    let rest = &source[base..];
    if let Some(window) = rest.first_chunk() {
        return window;
    }
    copy[..rest.len()].copy_from_slice(rest);
    copy
}
