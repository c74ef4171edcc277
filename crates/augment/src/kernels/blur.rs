//! Gaussian blur, separable: across while a row is stored, down while it is read again.

use super::pass::channels_mut;
use super::point::Pixels;
use super::simd::Simd;
use super::{Block, LANES};

/// Weights of the taps 1, 2, ... pixels away with 16 fraction bits; the middle one is what is left.
///
/// weight(k) = exp(-k^2 / (2 sigma^2)), normalised over the `kernel` taps, so below a third.
pub(crate) fn half_taps(kernel: usize, sigma: f64, taps: &mut Vec<i16>) {
    let weight = |k: usize| (-((k * k) as f64) / (2.0 * sigma * sigma)).exp();
    let half = kernel / 2;
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
/// Neighbours count by their difference from the middle: flat parts stay exactly as they are.
#[derive(Clone, Copy)]
struct Blurred<S> {
    middle: S,
    twice: S,
    sum: S,
}

impl<S: Simd> Blurred<S> {
    #[inline(always)]
    fn new(middle: S) -> Self {
        Blurred {
            middle,
            twice: middle + middle,
            sum: S::splat(1),
        }
    }

    /// Adds the two neighbours at one distance.
    #[inline(always)]
    fn add(&mut self, before: S, after: S, weight: S) {
        self.sum = self.sum + (before + after - self.twice).mul(weight);
    }

    #[inline(always)]
    fn value(self) -> S {
        self.middle + self.sum.sar::<1>()
    }
}

/// Mirrors a channel of `width` pixels, which starts at `half`, beyond both its ends.
#[inline(always)]
fn mirror(padded: &mut [i16], width: usize, half: usize) {
    for k in 1..=half {
        padded[half - k] = padded[half + reflect(0, -(k as isize), width)];
        padded[half + width - 1 + k] = padded[half + reflect(width - 1, k as isize, width)];
    }
}

/// Blurs the three channels of a row across.
///
/// They stand in `padded`, each with room for the taps on both sides.
#[inline(always)]
pub(crate) fn across<S: Simd>(padded: &mut [i16], width: usize, taps: &[i16], out: &mut [Block]) {
    let half = taps.len();
    let [red, green, blue] = channels_mut(padded);
    mirror(red, width, half);
    mirror(green, width, half);
    mirror(blue, width, half);
    let [red_out, green_out, blue_out] = channels_mut(out);
    for block in 0..red_out.len() {
        for first in (0..LANES).step_by(S::WIDTH) {
            let start = block * LANES + first;
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
                g.add(
                    S::load_from(green, before),
                    S::load_from(green, after),
                    weight,
                );
                b.add(
                    S::load_from(blue, before),
                    S::load_from(blue, after),
                    weight,
                );
            }
            r.value().store(&mut red_out[block], first);
            g.value().store(&mut green_out[block], first);
            b.value().store(&mut blue_out[block], first);
        }
    }
}

/// The rows that take part in row `y` of `height`: the pairs at distance 1, 2, ...
#[inline(always)]
pub(crate) fn pairs(rows: &mut [[usize; 2]], y: usize, height: usize) {
    for k in 0..rows.len() {
        let offset = k as isize + 1;
        rows[k] = [reflect(y, -offset, height), reflect(y, offset, height)];
    }
}

/// Stored rows as one row of them is read, blurred down.
pub(crate) struct Down<'a> {
    pub rows: &'a [Block],
    pub blocks: usize,
    pub y: usize,
    /// The rows at distance 1, 2, ... before and after.
    pub pairs: &'a [[usize; 2]],
    pub taps: &'a [i16],
}

impl Down<'_> {
    #[inline(always)]
    fn row(&self, y: usize) -> &[Block] {
        &self.rows[3 * y * self.blocks..][..3 * self.blocks]
    }

    /// Lanes of one block.
    #[inline(always)]
    pub fn blurred<S: Simd>(&self, block: usize, first: usize) -> Pixels<S> {
        let [red, green, blue] = [block, self.blocks + block, 2 * self.blocks + block];
        let middle = self.row(self.y);
        let mut r = Blurred::new(S::load(&middle[red], first));
        let mut g = Blurred::new(S::load(&middle[green], first));
        let mut b = Blurred::new(S::load(&middle[blue], first));
        for k in 0..self.taps.len() {
            let weight = S::splat(self.taps[k]);
            let [before, after] = self.pairs[k];
            let (before, after) = (self.row(before), self.row(after));
            r.add(
                S::load(&before[red], first),
                S::load(&after[red], first),
                weight,
            );
            g.add(
                S::load(&before[green], first),
                S::load(&after[green], first),
                weight,
            );
            b.add(
                S::load(&before[blue], first),
                S::load(&after[blue], first),
                weight,
            );
        }
        [r.value(), g.value(), b.value()]
    }
}
