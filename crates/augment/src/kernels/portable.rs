//! The kernels' vector in plain Rust: what every processor runs, and what the others are tested against.

use std::array::from_fn;
use std::ops::{Add, Sub};

use super::simd::{GROUP, Simd};

const WIDTH: usize = 8;

/// Eight lanes in an array.
#[derive(Clone, Copy)]
pub(crate) struct Portable([i16; WIDTH]);

impl Portable {
    #[inline(always)]
    fn with(self, other: Self, f: impl Fn(i16, i16) -> i16) -> Self {
        Portable(from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Add for Portable {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, i16::wrapping_add)
    }
}

impl Sub for Portable {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, i16::wrapping_sub)
    }
}

impl Simd for Portable {
    const WIDTH: usize = WIDTH;
    type Sums = i64;

    #[inline(always)]
    fn splat(value: i16) -> Self {
        Portable([value; WIDTH])
    }

    #[inline(always)]
    fn load(from: &[i16]) -> Self {
        let from = &from[..WIDTH];
        Portable(from_fn(|i| from[i]))
    }

    #[inline(always)]
    fn store(self, to: &mut [i16]) {
        to[..WIDTH].copy_from_slice(&self.0);
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8]) {
        let to = &mut to[..WIDTH];
        for (to, value) in to.iter_mut().zip(self.0) {
            *to = value as u8;
        }
    }

    #[inline(always)]
    fn pick(windows: &[&[u8; GROUP + 1]], index: &[u8], first: usize) -> (Self, Self) {
        let window = windows[first / GROUP];
        let index = &index[first..first + WIDTH];
        let at = |i: usize| usize::from(index[i] & 15);
        (
            Portable(from_fn(|i| i16::from(window[at(i)]))),
            Portable(from_fn(|i| i16::from(window[at(i) + 1]))),
        )
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.with(other, |a, b| {
            ((i32::from(a) * i32::from(b) + (1 << 14)) >> 15) as i16
        })
    }

    #[inline(always)]
    fn shl<const BITS: i32>(self) -> Self {
        Portable(self.0.map(|value| value << BITS))
    }

    #[inline(always)]
    fn sar<const BITS: i32>(self) -> Self {
        Portable(self.0.map(|value| value >> BITS))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.with(other, Ord::min)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.with(other, Ord::max)
    }

    #[inline(always)]
    fn min_unsigned(self, other: Self) -> Self {
        self.with(other, |a, b| (a as u16).min(b as u16) as i16)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Portable(self.0.map(i16::wrapping_abs))
    }

    #[inline(always)]
    fn if_equal(self, other: Self, yes: Self, no: Self) -> Self {
        Portable(from_fn(|i| {
            if self.0[i] == other.0[i] {
                yes.0[i]
            } else {
                no.0[i]
            }
        }))
    }

    #[inline(always)]
    fn no_sums() -> i64 {
        0
    }

    #[inline(always)]
    fn add_to(self, sums: i64) -> i64 {
        sums + i64::from(self.0.iter().map(|&value| i32::from(value)).sum::<i32>())
    }

    #[inline(always)]
    fn total(sums: i64) -> i64 {
        sums
    }
}
