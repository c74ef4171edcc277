//! The kernels' vector in plain Rust: what every processor runs, and what the others are tested
//! against.

use std::ops::{Add, Sub};

use super::LANES;
use super::simd::{GROUP, ROWS, SUMS, Simd, Windows};

const WIDTH: usize = 8;

/// Eight lanes in an array.
#[derive(Clone, Copy)]
pub(crate) struct Portable([i16; WIDTH]);

/// Lane by lane: a loop, as closures would hide it from the vectorizer.
macro_rules! lanes {
    (|$i:ident| $value:expr) => {{
        let mut lanes = [0; WIDTH];
        for $i in 0..WIDTH {
            lanes[$i] = $value;
        }
        Portable(lanes)
    }};
}

impl Add for Portable {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        lanes!(|i| self.0[i].wrapping_add(other.0[i]))
    }
}

impl Sub for Portable {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        lanes!(|i| self.0[i].wrapping_sub(other.0[i]))
    }
}

impl Simd for Portable {
    const WIDTH: usize = WIDTH;
    type Sums = i64;
    type Picks = [u8; WIDTH];
    type Products = [i32; WIDTH];

    #[inline(always)]
    fn splat(value: i16) -> Self {
        Portable([value; WIDTH])
    }

    #[inline(always)]
    fn load(from: &[i16; LANES], first: usize) -> Self {
        lanes!(|i| from[first + i])
    }

    #[inline(always)]
    fn load_from(from: &[i16], first: usize) -> Self {
        let from = &from[first..first + WIDTH];
        lanes!(|i| from[i])
    }

    #[inline(always)]
    fn load_bytes(from: &[u8; LANES], first: usize) -> Self {
        lanes!(|i| i16::from(from[first + i]))
    }

    #[inline(always)]
    fn store(self, to: &mut [i16; LANES], first: usize) {
        for i in 0..WIDTH {
            to[first + i] = self.0[i];
        }
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8; LANES], first: usize) {
        for i in 0..WIDTH {
            to[first + i] = self.0[i] as u8;
        }
    }

    #[inline(always)]
    fn picks(index: &[u8; LANES], first: usize) -> [u8; WIDTH] {
        let mut picks = [0; WIDTH];
        for i in 0..WIDTH {
            picks[i] = index[first + i];
        }
        picks
    }

    #[inline(always)]
    fn pick(windows: &Windows<'_>, picks: [u8; WIDTH], first: usize) -> (Self, Self) {
        let window = windows[first / GROUP];
        (
            lanes!(|i| i16::from(window[usize::from(picks[i] & 15)])),
            lanes!(|i| i16::from(window[usize::from(picks[i] & 15) + 1])),
        )
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        lanes!(|i| ((i32::from(self.0[i]) * i32::from(other.0[i]) + (1 << 14)) >> 15) as i16)
    }

    #[inline(always)]
    fn shl<const BITS: i32>(self) -> Self {
        lanes!(|i| self.0[i] << BITS)
    }

    #[inline(always)]
    fn sar<const BITS: i32>(self) -> Self {
        lanes!(|i| self.0[i] >> BITS)
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        lanes!(|i| self.0[i].min(other.0[i]))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        lanes!(|i| self.0[i].max(other.0[i]))
    }

    #[inline(always)]
    fn min_unsigned(self, other: Self) -> Self {
        lanes!(|i| (self.0[i] as u16).min(other.0[i] as u16) as i16)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        lanes!(|i| self.0[i].wrapping_abs())
    }

    #[inline(always)]
    fn if_equal(self, other: Self, yes: Self, no: Self) -> Self {
        lanes!(|i| if self.0[i] == other.0[i] { yes.0[i] } else { no.0[i] })
    }

    #[inline(always)]
    fn no_sums() -> i64 {
        0
    }

    #[inline(always)]
    fn add_to(self, sums: i64) -> i64 {
        let mut sum = 0;
        for i in 0..WIDTH {
            sum += i32::from(self.0[i]);
        }
        sums + i64::from(sum)
    }

    #[inline(always)]
    fn total(sums: i64) -> i64 {
        sums
    }
    #[inline(always)]
    fn products(start: i32) -> [i32; WIDTH] {
        [start; WIDTH]
    }

    #[inline(always)]
    fn add_products(self, other: Self, weights: [i16; 2], to: [i32; WIDTH]) -> [i32; WIDTH] {
        let [a, b] = weights.map(i32::from);
        let mut sums = to;
        for i in 0..WIDTH {
            sums[i] += i32::from(self.0[i]) * a + i32::from(other.0[i]) * b;
        }
        sums
    }

    #[inline(always)]
    fn narrow<const BITS: i32>(products: [i32; WIDTH]) -> Self {
        lanes!(|i| (products[i] >> BITS) as i16)
    }

    #[inline(always)]
    fn weighted_sums<const BITS: i32>(
        rows: &[i16],
        starts: &[usize; SUMS],
        weights: &[i16],
    ) -> [[i16; SUMS]; ROWS] {
        let (taps, length) = (weights.len() / SUMS, rows.len() / ROWS);
        let mut sums = [[0; SUMS]; ROWS];
        for row in 0..ROWS {
            for i in 0..SUMS {
                let values = &rows[row * length..][..length][starts[i]..][..taps];
                let weights = &weights[i * taps..][..taps];
                let mut sum = 1 << (BITS - 1);
                for tap in 0..taps {
                    sum += i32::from(values[tap]) * i32::from(weights[tap]);
                }
                sums[row][i] = (sum >> BITS) as i16;
            }
        }
        sums
    }
}
