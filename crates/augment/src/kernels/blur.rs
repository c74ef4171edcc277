//! Gaussian blur, separable: across while a row is stored, down while it is read again.

use super::simd::Simd;

/// Weights of the taps 1, 2, ... pixels away with 15 fraction bits; the middle one is what is left.
///
/// weight(k) = exp(-k^2 / (2 sigma^2)), normalised over the `kernel` taps.
pub(crate) fn half_taps(kernel: usize, sigma: f64, taps: &mut Vec<i16>) {
    let weight = |k: usize| (-((k * k) as f64) / (2.0 * sigma * sigma)).exp();
    let half = kernel / 2;
    let total = 1.0 + 2.0 * (1..=half).map(weight).sum::<f64>();
    taps.clear();
    taps.extend((1..=half).map(|k| (weight(k) / total * 32768.0).round() as i16));
}

/// Place `i + offset` of `count`, reflected at the borders without repeating the edge.
#[inline(always)]
fn reflect(i: usize, offset: isize, count: usize) -> usize {
    let last = count as isize - 1;
    let at = (i as isize + offset).abs();
    (if at > last { 2 * last - at } else { at }) as usize
}

/// Adds the part of the two neighbours at one distance to a sum with two fraction bits more.
///
/// They count by their difference from the middle: flat parts stay exactly as they are.
#[inline(always)]
fn add_pair<S: Simd>(sum: S, middle: S, before: S, after: S, weight: i16) -> S {
    let difference = (before - middle) + (after - middle);
    sum + difference.shl::<2>().mul(S::splat(weight))
}

/// Mirrors a channel of `width` pixels, which starts at `half`, beyond both its ends.
#[inline(always)]
pub(crate) fn mirror(padded: &mut [i16], width: usize, half: usize) {
    for k in 1..=half {
        padded[half - k] = padded[half + reflect(0, -(k as isize), width)];
        padded[half + width - 1 + k] = padded[half + reflect(width - 1, k as isize, width)];
    }
}

/// Blurs a channel that was mirrored beyond its ends across.
#[inline(always)]
pub(crate) fn across<S: Simd>(padded: &[i16], taps: &[i16], out: &mut [i16]) {
    let half = taps.len();
    for x in (0..out.len()).step_by(S::WIDTH) {
        let middle = S::load(&padded[x + half..]);
        let mut sum = S::splat(2);
        for (k, &weight) in taps.iter().enumerate() {
            let before = S::load(&padded[x + half - 1 - k..]);
            let after = S::load(&padded[x + half + 1 + k..]);
            sum = add_pair(sum, middle, before, after, weight);
        }
        (middle + sum.sar::<2>()).store(&mut out[x..]);
    }
}

/// Values of row `y` of `height` rows of `len` values from `x` on, blurred down.
#[inline(always)]
pub(crate) fn down<S: Simd>(
    rows: &[i16],
    len: usize,
    height: usize,
    taps: &[i16],
    (y, x): (usize, usize),
) -> S {
    let middle = S::load(&rows[y * len + x..]);
    let mut sum = S::splat(2);
    for (k, &weight) in taps.iter().enumerate() {
        let offset = k as isize + 1;
        let before = S::load(&rows[reflect(y, -offset, height) * len + x..]);
        let after = S::load(&rows[reflect(y, offset, height) * len + x..]);
        sum = add_pair(sum, middle, before, after, weight);
    }
    middle + sum.sar::<2>()
}
