//! The kernels' vector with AVX2 and with AVX-512.
//!
//! Every `unsafe` block here has the same two reasons, named once. The instructions exist, because
//! values of these types are made only inside `run_avx2` and `run_avx512`, which run after detection.
//! And every load or store stays inside the slice that it is given, because the slice is cut to the
//! vector's length first; none needs alignment.

use std::arch::x86_64::*;
use std::ops::{Add, Sub};

use super::simd::{GROUP, Simd};

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256i);

/// Thirty-two lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512i);

/// A method that is one safe-to-detect instruction on registers.
macro_rules! on_registers {
    ($vector:ident: $($name:ident($($argument:ident),*) = $instruction:expr;)*) => {$(
        #[inline(always)]
        fn $name(self $(, $argument: Self)*) -> Self {
            $(let $argument = $argument.0;)*
            let this = self.0;
            // SAFETY: the instructions exist, see the top of the file.
            $vector(unsafe { $instruction(this $(, $argument)*) })
        }
    )*};
}

macro_rules! operators {
    ($vector:ident, $add:ident, $sub:ident) => {
        impl Add for $vector {
            type Output = Self;
            on_registers! { $vector: add(other) = $add; }
        }

        impl Sub for $vector {
            type Output = Self;
            on_registers! { $vector: sub(other) = $sub; }
        }
    };
}

operators!(Avx2, _mm256_add_epi16, _mm256_sub_epi16);
operators!(Avx512, _mm512_add_epi16, _mm512_sub_epi16);

impl Simd for Avx2 {
    const WIDTH: usize = 16;
    type Sums = __m256i;

    on_registers! { Avx2:
        mul(other) = _mm256_mulhrs_epi16;
        min(other) = _mm256_min_epi16;
        max(other) = _mm256_max_epi16;
        min_unsigned(other) = _mm256_min_epu16;
        abs() = _mm256_abs_epi16;
    }

    #[inline(always)]
    fn splat(value: i16) -> Self {
        // SAFETY: the instruction exists, see the top of the file.
        Avx2(unsafe { _mm256_set1_epi16(value) })
    }

    #[inline(always)]
    fn load(from: &[i16]) -> Self {
        let from = from[..Self::WIDTH].as_ptr().cast();
        // SAFETY: 16 values are there, see the top of the file.
        Avx2(unsafe { _mm256_loadu_si256(from) })
    }

    #[inline(always)]
    fn store(self, to: &mut [i16]) {
        let to = to[..Self::WIDTH].as_mut_ptr().cast();
        // SAFETY: 16 values are there, see the top of the file.
        unsafe { _mm256_storeu_si256(to, self.0) };
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8]) {
        let to = to[..Self::WIDTH].as_mut_ptr().cast();
        // SAFETY: 16 bytes are there, see the top of the file.
        unsafe {
            let (low, high) = (
                _mm256_castsi256_si128(self.0),
                _mm256_extracti128_si256(self.0, 1),
            );
            _mm_storeu_si128(to, _mm_packus_epi16(low, high));
        }
    }

    #[inline(always)]
    fn pick(windows: &[&[u8; GROUP + 1]], index: &[u8], first: usize) -> (Self, Self) {
        let window = windows[first / GROUP];
        let index = index[first..first + GROUP].as_ptr().cast();
        // SAFETY: 17 and 16 bytes are there, see the top of the file.
        unsafe {
            let index = _mm_loadu_si128(index);
            let left = _mm_loadu_si128(window.as_ptr().cast());
            let right = _mm_loadu_si128(window[1..].as_ptr().cast());
            (
                Avx2(_mm256_cvtepu8_epi16(_mm_shuffle_epi8(left, index))),
                Avx2(_mm256_cvtepu8_epi16(_mm_shuffle_epi8(right, index))),
            )
        }
    }

    #[inline(always)]
    fn shl<const BITS: i32>(self) -> Self {
        // SAFETY: the instruction exists, see the top of the file.
        Avx2(unsafe { _mm256_slli_epi16(self.0, BITS) })
    }

    #[inline(always)]
    fn sar<const BITS: i32>(self) -> Self {
        // SAFETY: the instruction exists, see the top of the file.
        Avx2(unsafe { _mm256_srai_epi16(self.0, BITS) })
    }

    #[inline(always)]
    fn if_equal(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the instructions exist, see the top of the file.
        Avx2(unsafe { _mm256_blendv_epi8(no.0, yes.0, _mm256_cmpeq_epi16(self.0, other.0)) })
    }

    #[inline(always)]
    fn no_sums() -> __m256i {
        // SAFETY: the instruction exists, see the top of the file.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    fn add_to(self, sums: __m256i) -> __m256i {
        // SAFETY: the instructions exist, see the top of the file.
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(self.0, _mm256_set1_epi16(1))) }
    }

    #[inline(always)]
    fn total(sums: __m256i) -> i64 {
        let mut lanes = [0i32; 8];
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
        lanes.into_iter().map(i64::from).sum()
    }
}

impl Simd for Avx512 {
    const WIDTH: usize = 32;
    type Sums = __m512i;

    on_registers! { Avx512:
        mul(other) = _mm512_mulhrs_epi16;
        min(other) = _mm512_min_epi16;
        max(other) = _mm512_max_epi16;
        min_unsigned(other) = _mm512_min_epu16;
        abs() = _mm512_abs_epi16;
    }

    #[inline(always)]
    fn splat(value: i16) -> Self {
        // SAFETY: the instruction exists, see the top of the file.
        Avx512(unsafe { _mm512_set1_epi16(value) })
    }

    #[inline(always)]
    fn load(from: &[i16]) -> Self {
        let from = from[..Self::WIDTH].as_ptr().cast();
        // SAFETY: 32 values are there, see the top of the file.
        Avx512(unsafe { _mm512_loadu_si512(from) })
    }

    #[inline(always)]
    fn store(self, to: &mut [i16]) {
        let to = to[..Self::WIDTH].as_mut_ptr().cast();
        // SAFETY: 32 values are there, see the top of the file.
        unsafe { _mm512_storeu_si512(to, self.0) };
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8]) {
        let to = to[..Self::WIDTH].as_mut_ptr().cast();
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe { _mm256_storeu_si256(to, _mm512_cvtepi16_epi8(self.0)) };
    }

    #[inline(always)]
    fn pick(windows: &[&[u8; GROUP + 1]], index: &[u8], first: usize) -> (Self, Self) {
        let (low, high) = (windows[first / GROUP], windows[first / GROUP + 1]);
        let index = index[first..first + 2 * GROUP].as_ptr().cast();
        // SAFETY: 17, 17 and 32 bytes are there, see the top of the file.
        unsafe {
            let index = _mm256_loadu_si256(index);
            let left = _mm256_loadu2_m128i(high.as_ptr().cast(), low.as_ptr().cast());
            let right = _mm256_loadu2_m128i(high[1..].as_ptr().cast(), low[1..].as_ptr().cast());
            (
                Avx512(_mm512_cvtepu8_epi16(_mm256_shuffle_epi8(left, index))),
                Avx512(_mm512_cvtepu8_epi16(_mm256_shuffle_epi8(right, index))),
            )
        }
    }

    #[inline(always)]
    fn shl<const BITS: i32>(self) -> Self {
        // SAFETY: the instructions exist, see the top of the file.
        Avx512(unsafe { _mm512_sll_epi16(self.0, _mm_cvtsi32_si128(BITS)) })
    }

    #[inline(always)]
    fn sar<const BITS: i32>(self) -> Self {
        // SAFETY: the instructions exist, see the top of the file.
        Avx512(unsafe { _mm512_sra_epi16(self.0, _mm_cvtsi32_si128(BITS)) })
    }

    #[inline(always)]
    fn if_equal(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the instructions exist, see the top of the file.
        Avx512(unsafe {
            let equal = _mm512_cmpeq_epi16_mask(self.0, other.0);
            _mm512_mask_blend_epi16(equal, no.0, yes.0)
        })
    }

    #[inline(always)]
    fn no_sums() -> __m512i {
        // SAFETY: the instruction exists, see the top of the file.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    fn add_to(self, sums: __m512i) -> __m512i {
        // SAFETY: the instructions exist, see the top of the file.
        unsafe { _mm512_add_epi32(sums, _mm512_madd_epi16(self.0, _mm512_set1_epi16(1))) }
    }

    #[inline(always)]
    fn total(sums: __m512i) -> i64 {
        let mut lanes = [0i32; 16];
        // SAFETY: 64 bytes are there, see the top of the file.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), sums) };
        lanes.into_iter().map(i64::from).sum()
    }
}
