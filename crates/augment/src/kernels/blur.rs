//! Gaussian blur, separable: across while a row is stored, down while it is read again.

use super::point::Pixels;
use super::simd::Simd;
use super::{Block, LANES, channels_mut};

/// Weights of the taps 1, 2, ... pixels away with 16 fraction bits; the middle one is what is left.
///
/// weight(k) = exp(-k^2 / (2 sigma^2)), normalized over the `kernel_size` taps, so below a third.
pub(crate) fn half_taps(kernel_size: usize, sigma: f64, taps: &mut Vec<i16>) {
    let weight = |k: usize| (-((k * k) as f64) / (2.0 * sigma * sigma)).exp();
    let half = kernel_size / 2;
    let total = 1.0 + 2.0 * (1..=half).map(weight).sum::<f64>();
    taps.clear();
    taps.reserve(half);
    let fixed = (1..=half).map(|k| (weight(k) / total * 65536.0).round() as i16);
    // Weights fall with the distance: after the first that is too small to count, all are.
    taps.extend(fixed.take_while(|weight| *weight > 0));
}

/// Place `i + offset` of `count`, reflected at the borders without repeating the edge.
#[inline(always)]
fn reflect(i: usize, offset: isize, count: usize) -> usize {
    let last = count as isize - 1;
    let at = (i as isize + offset).abs();
    (if at > last { 2 * last - at } else { at }) as usize
}

/// A blurred value in the making: the middle, twice, and a sum with one fraction bit more.
///
/// Neighbors count by their difference from the middle: flat parts stay exactly as they are.
#[derive(Clone, Copy)]
struct Blurred<S> {
    middle: S,
    twice: S,
    sum: S,
}

impl<S: Simd> Blurred<S> {
    #[inline(always)]
    fn new(middle: S) -> Self {
        Blurred { middle, twice: middle + middle, sum: S::splat(1) }
    }

    /// Adds the two neighbors at one distance.
    #[inline(always)]
    fn add(&mut self, before: S, after: S, weight: S) {
        self.sum = self.sum + (before + after - self.twice).mul(weight);
    }

    #[inline(always)]
    fn value(self) -> S {
        self.middle + self.sum.sar::<1>()
    }
}

/// Room before and after a channel for `half` taps on either side: whole blocks, so that a row that
/// begins in a cache line of its own has its pixels in whole ones.
pub(crate) fn margin(half: usize) -> usize {
    half.next_multiple_of(LANES)
}

/// Mirrors a channel of `width` pixels, more than `half`, which starts at [`margin`], beyond both
/// its ends.
#[inline(always)]
fn mirror(padded: &mut [i16], width: usize, half: usize) {
    let (before, rest) = padded.split_at_mut(margin(half));
    let (row, after) = rest.split_at_mut(width);
    let (first, last) = (&row[1..][..half], &row[width - 1 - half..][..half]);
    let after = &mut after[..half];
    for k in 0..half {
        before[before.len() - 1 - k] = first[k];
        after[k] = last[half - 1 - k];
    }
}

/// Blurs the three channels of a row across.
///
/// They stand in `padded`, each with room for the taps on both sides.
#[inline(always)]
pub(crate) fn across<S: Simd>(
    padded: &mut [i16],
    width: usize,
    taps: &[i16],
    out: &mut [[Block; 3]],
) {
    let half = taps.len();
    let [red, green, blue] = channels_mut(padded);
    mirror(red, width, half);
    mirror(green, width, half);
    mirror(blue, width, half);
    for block in 0..out.len() {
        for first in (0..LANES).step_by(S::WIDTH) {
            let start = margin(half) - half + block * LANES + first;
            let red = &red[start..][..S::WIDTH + 2 * half];
            let green = &green[start..][..S::WIDTH + 2 * half];
            let blue = &blue[start..][..S::WIDTH + 2 * half];
            let mut r = Blurred::new(S::load_from(red, half));
            let mut g = Blurred::new(S::load_from(green, half));
            let mut b = Blurred::new(S::load_from(blue, half));
            for k in 0..half {
                let (before, after) = (half - 1 - k, half + 1 + k);
                let weight = S::splat(taps[k]);
                r.add(S::load_from(red, before), S::load_from(red, after), weight);
                g.add(S::load_from(green, before), S::load_from(green, after), weight);
                b.add(S::load_from(blue, before), S::load_from(blue, after), weight);
            }
            let [red_out, green_out, blue_out] = &mut out[block];
            r.value().store(red_out, first);
            g.value().store(green_out, first);
            b.value().store(blue_out, first);
        }
    }
}

/// Where the rows begin that take part in row `y` of `height`, of `blocks` blocks each: the pairs
/// at distance 1, 2, ...
#[inline(always)]
pub(crate) fn pairs(rows: &mut [[usize; 2]], y: usize, height: usize, blocks: usize) {
    for k in 0..rows.len() {
        let offset = k as isize + 1;
        rows[k] = [blocks * reflect(y, -offset, height), blocks * reflect(y, offset, height)];
    }
}

/// Stored rows as one row of them is read, blurred down.
pub(crate) struct Down<'a> {
    pub rows: &'a [[Block; 3]],
    /// Where the row begins.
    pub middle: usize,
    /// Where the rows at distance 1, 2, ... before and after begin.
    pub pairs: &'a [[usize; 2]],
    pub taps: &'a [i16],
}

impl Down<'_> {
    /// Lanes of one block.
    #[inline(always)]
    pub fn blurred<S: Simd>(&self, block: usize, first: usize) -> Pixels<S> {
        let [red, green, blue] = &self.rows[self.middle + block];
        let mut r = Blurred::new(S::load(red, first));
        let mut g = Blurred::new(S::load(green, first));
        let mut b = Blurred::new(S::load(blue, first));
        let pairs = &self.pairs[..self.taps.len()];
        for k in 0..self.taps.len() {
            let weight = S::splat(self.taps[k]);
            let [before, after] = pairs[k];
            let before = &self.rows[before + block];
            let after = &self.rows[after + block];
            r.add(S::load(&before[0], first), S::load(&after[0], first), weight);
            g.add(S::load(&before[1], first), S::load(&after[1], first), weight);
            b.add(S::load(&before[2], first), S::load(&after[2], first), weight);
        }
        [r.value(), g.value(), b.value()]
    }
}
