//! Pixelwise operations.

use super::simd::Simd;
use super::{FRACTION_BITS, WHITE};

/// Fraction bits of a hue's turn in sixths, which is at most 3.
const TURN_BITS: u32 = 13;
/// Gray weights 0.2989, 0.587 and 0.114 with 15 fraction bits. They add up to 2^15 (the decimal
/// ones to 0.9999), so that white stays
/// white; a gray pixel is its own gray but for the rounding of three products.
const GRAY: [i16; 3] = [9795, 19236, 3737];

/// Red, green and blue of neighboring pixels.
pub(crate) type Pixels<S> = [S; 3];

/// One operation with its numbers in fixed point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Point {
    Brightness {
        excess: i16,
    },
    Contrast {
        excess: i16,
        mean: i16,
    },
    Saturation {
        excess: i16,
    },
    /// `turn` in sixths of a full turn.
    Hue {
        turn: i16,
    },
    Grayscale,
    Solarize {
        threshold: i16,
    },
}

impl Point {
    /// What a factor in 0..=2 has more than 1, with 15 fraction bits: 0 is exactly no change.
    pub fn excess(factor: f64) -> i16 {
        // A factor of 2 becomes 2 - 2^-15.
        ((factor - 1.0) * 32768.0).round() as i16
    }

    /// A turn in sixths in fixed point.
    pub fn sixths(turn: f64) -> i16 {
        (turn * f64::from(1 << TURN_BITS)).round() as i16
    }

    /// A threshold in 0..=1 in fixed point.
    pub fn threshold(share: f64) -> i16 {
        (share * f64::from(WHITE)).round() as i16
    }

    /// Applies the operation; values stay in 0..=[`WHITE`].
    #[inline(always)]
    pub fn apply<S: Simd>(&self, [r, g, b]: Pixels<S>) -> Pixels<S> {
        match *self {
            Point::Brightness { excess } => {
                let (excess, white) = (S::splat(excess), S::splat(WHITE));
                [
                    (r + r.mul(excess)).min(white),
                    (g + g.mul(excess)).min(white),
                    (b + b.mul(excess)).min(white),
                ]
            }
            Point::Contrast { excess, mean } => blend([r, g, b], S::splat(mean), S::splat(excess)),
            Point::Saturation { excess } => blend([r, g, b], gray([r, g, b]), S::splat(excess)),
            Point::Hue { turn } => turn_hue([r, g, b], S::splat(turn)),
            Point::Grayscale => [gray([r, g, b]); 3],
            Point::Solarize { threshold } => {
                let threshold = S::splat(threshold);
                [invert_from(r, threshold), invert_from(g, threshold), invert_from(b, threshold)]
            }
        }
    }
}

/// Away from `toward` by a share of the distance, or closer where the share is negative.
#[inline(always)]
fn blend<S: Simd>([r, g, b]: Pixels<S>, toward: S, excess: S) -> Pixels<S> {
    let (black, white) = (S::splat(0), S::splat(WHITE));
    [
        (r + (r - toward).mul(excess)).clamp(black, white),
        (g + (g - toward).mul(excess)).clamp(black, white),
        (b + (b - toward).mul(excess)).clamp(black, white),
    ]
}

#[inline(always)]
fn invert_from<S: Simd>(value: S, threshold: S) -> S {
    let bright = value.min(threshold);
    bright.if_equal(threshold, S::splat(WHITE) - value, value)
}

/// The gray of pixels.
#[inline(always)]
pub(crate) fn gray<S: Simd>([r, g, b]: Pixels<S>) -> S {
    r.mul(S::splat(GRAY[0])) + g.mul(S::splat(GRAY[1])) + b.mul(S::splat(GRAY[2]))
}

/// Hue rotation without a division: hue is kept as a multiple of `chroma = max - min`.
///
/// `hue` starts in -1..=5 chroma (0 is red, 2 green, 4 blue), the turn adds -3..=3 chroma (at most
/// 8 * 4080 = 32640, so nothing overflows), and each channel is `min` plus a ramp of the hue's
/// distance from where that channel is weakest or strongest.
#[inline(always)]
fn turn_hue<S: Simd>([red, green, blue]: Pixels<S>, turn: S) -> Pixels<S> {
    let max = red.max(green).max(blue);
    let min = red.min(green).min(blue);
    let chroma = max - min;
    let (two, four) = (chroma.shl::<1>(), chroma.shl::<2>());
    let if_green = two + (blue - red);
    let if_blue = four + (red - green);
    let hue = max.if_equal(red, green - blue, max.if_equal(green, if_green, if_blue));
    let hue = hue + four.mul(turn);
    let circle = two + four;
    // Only one of the two wraps applies; the other's result is larger as an unsigned number.
    let hue = hue.min_unsigned(hue + circle);
    let hue = hue.min_unsigned(hue - circle);
    let black = S::splat(0);
    [
        min + ((hue - two - chroma).abs() - chroma).clamp(black, chroma),
        min + (two - (hue - two).abs()).clamp(black, chroma),
        min + (two - (hue - four).abs()).clamp(black, chroma),
    ]
}

/// Values as bytes, rounded.
#[inline(always)]
pub(crate) fn to_bytes<S: Simd>(value: S) -> S {
    (value + S::splat(1 << (FRACTION_BITS - 1))).sar::<FRACTION_BITS>()
}
