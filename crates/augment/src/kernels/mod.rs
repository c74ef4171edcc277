//! Integer kernels over rows of pixels, compiled once for every instruction set that matters.
//!
//! One definition, one source: values between two steps are `i16` with [`FRACTION_BITS`] fraction
//! bits, so 0..=4080 stands for 0..=255. Products are rounded (`(a * b + 2^14) >> 15`), sums are
//! exact, every step clips to the range, and only the last step rounds to bytes. The kernels are
//! written against the trait [`Simd`], whose implementations differ in speed, never in a bit.
#![allow(
    clippy::needless_range_loop,
    clippy::manual_memcpy,
    reason = "iterator adapters are compiled without the kernels' instructions"
)]

use std::ops::{Deref, DerefMut};

mod blur;
mod pass;
mod point;
mod portable;
mod resample;
mod shrink;
mod simd;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use self::blur::{half_taps, margin};
pub(crate) use self::pass::{Pass, Sink, Source};
pub(crate) use self::point::Point;
pub(crate) use self::resample::{Grid, RowCache};
pub(crate) use self::shrink::{Shrink, Shrinker};
use self::simd::Simd;

/// Fraction bits of a value between two steps.
pub(crate) const FRACTION_BITS: i32 = 4;
/// The largest value: 255 with fraction bits.
pub(crate) const WHITE: i16 = 255 << FRACTION_BITS;
/// Pixels in a block: the widest vector. Rows are padded to whole blocks.
pub(crate) const LANES: usize = 32;
/// Values of one channel of neighboring pixels of a row, in one cache line: reading or writing
/// them as one vector touches no second one.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Block(pub [i16; LANES]);

impl Block {
    pub const ZERO: Block = Block([0; LANES]);
}

impl Deref for Block {
    type Target = [i16; LANES];

    #[inline(always)]
    fn deref(&self) -> &[i16; LANES] {
        &self.0
    }
}

impl DerefMut for Block {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [i16; LANES] {
        &mut self.0
    }
}

/// The three channels of a row that has them one after the other.
#[inline(always)]
fn channels_mut<T>(row: &mut [T]) -> [&mut [T]; 3] {
    let (red, rest) = row.split_at_mut(row.len() / 3);
    let (green, blue) = rest.split_at_mut(rest.len() / 2);
    [red, green, blue]
}

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// The target's baseline.
    Scalar,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F, BW and VL.
    Avx512,
}

impl SimdLevel {
    /// Every level, slowest first.
    pub const ALL: [SimdLevel; 3] = [SimdLevel::Scalar, SimdLevel::Avx2, SimdLevel::Avx512];

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            SimdLevel::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The fastest level that this processor has.
    pub fn best() -> SimdLevel {
        let available = SimdLevel::ALL.into_iter().rev().find(|level| level.is_available());
        available.unwrap_or(SimdLevel::Scalar)
    }
}

/// Something to do with the kernels of whichever level.
pub(crate) trait Kernel {
    /// What comes of it.
    type Output;

    /// Does it; inlined into one function for each instruction set.
    fn run<S: Simd>(self) -> Self::Output;
}

/// Runs `kernel` with the instructions of `level`.
///
/// # Panics
/// If this processor lacks `level`.
pub(crate) fn run<K: Kernel>(level: SimdLevel, kernel: K) -> K::Output {
    assert!(level.is_available(), "{level:?} kernels on a processor without it");
    match level {
        SimdLevel::Scalar => kernel.run::<portable::Portable>(),
        // SAFETY: the processor has AVX2, checked above.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => unsafe { run_avx2(kernel) },
        // SAFETY: the processor has the AVX-512 sets, checked above.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => unsafe { run_avx512(kernel) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => unreachable!("only x86-64 has it"),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<x86::Avx2>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<x86::Avx512>()
}
