//! The kernels' vector with AVX2 and with AVX-512.
//!
//! Every `unsafe` block here has the same two reasons, named once. The instructions exist, because
//! values of these types are made only inside `run_avx2` and `run_avx512`, which run after
//! detection. And every load or store stays inside the slice that it is given, because the slice is
//! cut to the vector's length first; none needs alignment.

use std::arch::x86_64::*;
use std::ops::{Add, Sub};

use super::LANES;
use super::simd::{GROUP, ROWS, SUMS, Simd, TAPS, Windows};

/// Thirty-two lanes in two registers: whatever is done once for a vector is then done half as
/// often.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256i, __m256i);

/// Thirty-two lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512i);

/// Methods that are one instruction on registers.
macro_rules! on_registers {
    (Avx2: $($name:ident($($argument:ident),*) = $instruction:expr;)*) => {$(
        #[inline(always)]
        fn $name(self $(, $argument: Self)*) -> Self {
            // SAFETY: the instructions exist, see the top of the file.
            unsafe {
                Avx2(
                    $instruction(self.0 $(, $argument.0)*),
                    $instruction(self.1 $(, $argument.1)*),
                )
            }
        }
    )*};
    (Avx512: $($name:ident($($argument:ident),*) = $instruction:expr;)*) => {$(
        #[inline(always)]
        fn $name(self $(, $argument: Self)*) -> Self {
            // SAFETY: the instructions exist, see the top of the file.
            Avx512(unsafe { $instruction(self.0 $(, $argument.0)*) })
        }
    )*};
}

impl Add for Avx2 {
    type Output = Self;
    on_registers! { Avx2: add(other) = _mm256_add_epi16; }
}

impl Sub for Avx2 {
    type Output = Self;
    on_registers! { Avx2: sub(other) = _mm256_sub_epi16; }
}

impl Add for Avx512 {
    type Output = Self;
    on_registers! { Avx512: add(other) = _mm512_add_epi16; }
}

impl Sub for Avx512 {
    type Output = Self;
    on_registers! { Avx512: sub(other) = _mm512_sub_epi16; }
}

impl Simd for Avx2 {
    const WIDTH: usize = LANES;
    type Sums = __m256i;
    /// A byte for each half of a lane; the upper one has the bit that makes it 0.
    type Picks = [__m256i; 2];
    /// As the instructions for unpacking lay them out: halves of halves.
    type Products = [__m256i; 4];

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
        let all = unsafe { _mm256_set1_epi16(value) };
        Avx2(all, all)
    }

    #[inline(always)]
    fn load(from: &[i16; LANES], first: usize) -> Self {
        Self::load_from(from, first)
    }

    #[inline(always)]
    fn load_from(from: &[i16], first: usize) -> Self {
        let from = from[first..first + LANES].as_ptr();
        // SAFETY: 32 values are there, see the top of the file.
        unsafe { Avx2(_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(16).cast())) }
    }

    #[inline(always)]
    fn store(self, to: &mut [i16; LANES], first: usize) {
        let to = to[first..first + LANES].as_mut_ptr();
        // SAFETY: 32 values are there, see the top of the file.
        unsafe {
            _mm256_storeu_si256(to.cast(), self.0);
            _mm256_storeu_si256(to.add(16).cast(), self.1);
        }
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8; LANES], first: usize) {
        let to = to[first..first + LANES].as_mut_ptr();
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe {
            // The pack takes halves in turn, so that the middle two have to change places.
            let packed = _mm256_packus_epi16(self.0, self.1);
            _mm256_storeu_si256(to.cast(), _mm256_permute4x64_epi64(packed, 0b11_01_10_00));
        }
    }

    #[inline(always)]
    fn picks(index: &[u8; LANES], _first: usize) -> [__m256i; 2] {
        let index: *const __m128i = index.as_ptr().cast();
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe {
            let zero_upper = _mm256_set1_epi16(i16::MIN);
            let [low, high] = [_mm_loadu_si128(index), _mm_loadu_si128(index.add(1))];
            [
                _mm256_or_si256(_mm256_cvtepu8_epi16(low), zero_upper),
                _mm256_or_si256(_mm256_cvtepu8_epi16(high), zero_upper),
            ]
        }
    }

    #[inline(always)]
    fn pick(windows: &Windows<'_>, picks: [__m256i; 2], _first: usize) -> (Self, Self) {
        let [low, high] = windows;
        // SAFETY: the processor has AVX2, see the top of the file.
        unsafe {
            let (left_low, right_low) = pick_group(low, picks[0]);
            let (left_high, right_high) = pick_group(high, picks[1]);
            (Avx2(left_low, left_high), Avx2(right_low, right_high))
        }
    }

    #[inline(always)]
    fn shl<const BITS: i32>(self) -> Self {
        // SAFETY: the instruction exists, see the top of the file.
        unsafe { Avx2(_mm256_slli_epi16(self.0, BITS), _mm256_slli_epi16(self.1, BITS)) }
    }

    #[inline(always)]
    fn sar<const BITS: i32>(self) -> Self {
        // SAFETY: the instruction exists, see the top of the file.
        unsafe { Avx2(_mm256_srai_epi16(self.0, BITS), _mm256_srai_epi16(self.1, BITS)) }
    }

    #[inline(always)]
    fn if_equal(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the instructions exist, see the top of the file.
        unsafe {
            Avx2(
                _mm256_blendv_epi8(no.0, yes.0, _mm256_cmpeq_epi16(self.0, other.0)),
                _mm256_blendv_epi8(no.1, yes.1, _mm256_cmpeq_epi16(self.1, other.1)),
            )
        }
    }

    #[inline(always)]
    fn no_sums() -> __m256i {
        // SAFETY: the instruction exists, see the top of the file.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    fn add_to(self, sums: __m256i) -> __m256i {
        // SAFETY: the instructions exist, see the top of the file.
        unsafe {
            // Two values of at most 4080 stay in range.
            let both = _mm256_add_epi16(self.0, self.1);
            _mm256_add_epi32(sums, _mm256_madd_epi16(both, _mm256_set1_epi16(1)))
        }
    }

    #[inline(always)]
    fn total(sums: __m256i) -> i64 {
        let mut lanes = [0i32; 8];
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
        let mut total = 0;
        for lane in lanes {
            total += i64::from(lane);
        }
        total
    }

    #[inline(always)]
    fn load_bytes(from: &[u8; LANES], _first: usize) -> Self {
        let from: *const __m128i = from.as_ptr().cast();
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe {
            let [low, high] = [_mm_loadu_si128(from), _mm_loadu_si128(from.add(1))];
            Avx2(_mm256_cvtepu8_epi16(low), _mm256_cvtepu8_epi16(high))
        }
    }

    #[inline(always)]
    fn products(start: i32) -> [__m256i; 4] {
        // SAFETY: the instruction exists, see the top of the file.
        [unsafe { _mm256_set1_epi32(start) }; 4]
    }

    #[inline(always)]
    fn add_products(self, other: Self, weights: [i16; 2], to: [__m256i; 4]) -> [__m256i; 4] {
        // SAFETY: the instructions exist, see the top of the file.
        unsafe {
            let weights = _mm256_set1_epi32(pair(weights));
            let a = _mm256_madd_epi16(_mm256_unpacklo_epi16(self.0, other.0), weights);
            let b = _mm256_madd_epi16(_mm256_unpackhi_epi16(self.0, other.0), weights);
            let c = _mm256_madd_epi16(_mm256_unpacklo_epi16(self.1, other.1), weights);
            let d = _mm256_madd_epi16(_mm256_unpackhi_epi16(self.1, other.1), weights);
            [
                _mm256_add_epi32(to[0], a),
                _mm256_add_epi32(to[1], b),
                _mm256_add_epi32(to[2], c),
                _mm256_add_epi32(to[3], d),
            ]
        }
    }

    #[inline(always)]
    fn narrow<const BITS: i32>([a, b, c, d]: [__m256i; 4]) -> Self {
        // SAFETY: the instructions exist, see the top of the file.
        unsafe {
            Avx2(
                _mm256_packs_epi32(_mm256_srai_epi32(a, BITS), _mm256_srai_epi32(b, BITS)),
                _mm256_packs_epi32(_mm256_srai_epi32(c, BITS), _mm256_srai_epi32(d, BITS)),
            )
        }
    }

    #[inline(always)]
    fn weighted_sums<const BITS: i32>(
        rows: &[i16],
        starts: &[usize; SUMS],
        weights: &[i16],
    ) -> [[i16; SUMS]; ROWS] {
        // SAFETY: the processor has AVX2, see the top of the file.
        unsafe { weighted_sums::<BITS>(rows, starts, weights) }
    }
}

/// Weights as `madd` takes them: those of even places in the lower halves.
#[inline(always)]
fn pair([even, odd]: [i16; 2]) -> i32 {
    (i32::from(odd) << 16) | i32::from(even as u16)
}

/// [`Simd::weighted_sums`]: rows of even places in the lower halves of registers, the ones after
/// them in the upper.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn weighted_sums<const BITS: i32>(
    rows: &[i16],
    starts: &[usize; SUMS],
    weights: &[i16],
) -> [[i16; SUMS]; ROWS] {
    const PAIRS: usize = ROWS / 2;
    let (taps, length) = (weights.len() / SUMS, rows.len() / ROWS);
    let mut out = [[0; SUMS]; ROWS];
    // SAFETY: the instructions exist. Windows are cut to end with the last row's values, so that
    // they have the values of the rows before it too.
    unsafe {
        let mut sums = [[_mm256_setzero_si256(); SUMS]; PAIRS];
        for i in 0..SUMS {
            let window = rows[starts[i]..][..(ROWS - 1) * length + taps].as_ptr();
            let weights = &weights[i * taps..][..taps];
            for tap in (0..taps / TAPS * TAPS).step_by(TAPS) {
                let weights = _mm_loadu_si128(weights.as_ptr().add(tap).cast());
                let weights = _mm256_broadcastsi128_si256(weights);
                for pair in 0..PAIRS {
                    let low = window.add(2 * pair * length + tap);
                    let values = _mm256_loadu2_m128i(low.add(length).cast(), low.cast());
                    let products = _mm256_madd_epi16(values, weights);
                    sums[pair][i] = _mm256_add_epi32(sums[pair][i], products);
                }
            }
        }
        for pair in 0..PAIRS {
            let [a, b, c, d] = sums[pair];
            let all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
            let rounded = _mm256_add_epi32(all, _mm256_set1_epi32(1 << (BITS - 1)));
            let shifted = _mm256_srai_epi32(rounded, BITS);
            let packed = _mm256_packs_epi32(shifted, shifted);
            let [low, high] = [_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1)];
            _mm_storel_epi64(out[2 * pair].as_mut_ptr().cast(), low);
            _mm_storel_epi64(out[2 * pair + 1].as_mut_ptr().cast(), high);
        }
    }
    out
}

/// Left and right taps of one group.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn pick_group(window: &[u8; GROUP + 1], picks: __m256i) -> (__m256i, __m256i) {
    // SAFETY: 16 bytes from 0 and from 1 on are there.
    unsafe {
        let left = _mm_loadu_si128(window.as_ptr().cast());
        let right = _mm_loadu_si128(window.as_ptr().add(1).cast());
        (
            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(left), picks),
            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(right), picks),
        )
    }
}

impl Simd for Avx512 {
    const WIDTH: usize = LANES;
    type Sums = __m512i;
    type Picks = __m256i;
    /// As the instructions for unpacking lay them out.
    type Products = [__m512i; 2];

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
    fn load(from: &[i16; LANES], first: usize) -> Self {
        Self::load_from(from, first)
    }

    #[inline(always)]
    fn load_from(from: &[i16], first: usize) -> Self {
        let from = from[first..first + LANES].as_ptr().cast();
        // SAFETY: 32 values are there, see the top of the file.
        Avx512(unsafe { _mm512_loadu_si512(from) })
    }

    #[inline(always)]
    fn store(self, to: &mut [i16; LANES], first: usize) {
        let to = to[first..first + LANES].as_mut_ptr().cast();
        // SAFETY: 32 values are there, see the top of the file.
        unsafe { _mm512_storeu_si512(to, self.0) };
    }

    #[inline(always)]
    fn store_bytes(self, to: &mut [u8; LANES], first: usize) {
        let to = to[first..first + LANES].as_mut_ptr().cast();
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe { _mm256_storeu_si256(to, _mm512_cvtepi16_epi8(self.0)) };
    }

    #[inline(always)]
    fn picks(index: &[u8; LANES], _first: usize) -> __m256i {
        // SAFETY: 32 bytes are there, see the top of the file.
        unsafe { _mm256_loadu_si256(index.as_ptr().cast()) }
    }

    #[inline(always)]
    fn pick(windows: &Windows<'_>, picks: __m256i, _first: usize) -> (Self, Self) {
        let [low, high] = windows;
        // SAFETY: 16 bytes from 0 and from 1 on of both are there, see the top of the file.
        unsafe {
            let left = _mm256_loadu2_m128i(high.as_ptr().cast(), low.as_ptr().cast());
            let right =
                _mm256_loadu2_m128i(high.as_ptr().add(1).cast(), low.as_ptr().add(1).cast());
            (
                Avx512(_mm512_cvtepu8_epi16(_mm256_shuffle_epi8(left, picks))),
                Avx512(_mm512_cvtepu8_epi16(_mm256_shuffle_epi8(right, picks))),
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
        let mut total = 0;
        for lane in lanes {
            total += i64::from(lane);
        }
        total
    }
    #[inline(always)]
    fn load_bytes(from: &[u8; LANES], _first: usize) -> Self {
        // SAFETY: 32 bytes are there, see the top of the file.
        Avx512(unsafe { _mm512_cvtepu8_epi16(_mm256_loadu_si256(from.as_ptr().cast())) })
    }

    #[inline(always)]
    fn products(start: i32) -> [__m512i; 2] {
        // SAFETY: the instruction exists, see the top of the file.
        [unsafe { _mm512_set1_epi32(start) }; 2]
    }

    #[inline(always)]
    fn add_products(self, other: Self, weights: [i16; 2], to: [__m512i; 2]) -> [__m512i; 2] {
        // SAFETY: the instructions exist, see the top of the file.
        unsafe {
            let weights = _mm512_set1_epi32(pair(weights));
            let low = _mm512_madd_epi16(_mm512_unpacklo_epi16(self.0, other.0), weights);
            let high = _mm512_madd_epi16(_mm512_unpackhi_epi16(self.0, other.0), weights);
            [_mm512_add_epi32(to[0], low), _mm512_add_epi32(to[1], high)]
        }
    }

    #[inline(always)]
    fn narrow<const BITS: i32>(products: [__m512i; 2]) -> Self {
        // SAFETY: the instructions exist, see the top of the file.
        Avx512(unsafe {
            let bits = _mm_cvtsi32_si128(BITS);
            let [low, high] = products;
            _mm512_packs_epi32(_mm512_sra_epi32(low, bits), _mm512_sra_epi32(high, bits))
        })
    }

    #[inline(always)]
    fn weighted_sums<const BITS: i32>(
        rows: &[i16],
        starts: &[usize; SUMS],
        weights: &[i16],
    ) -> [[i16; SUMS]; ROWS] {
        // SAFETY: the processor has AVX2 too, see the top of the file.
        unsafe { weighted_sums::<BITS>(rows, starts, weights) }
    }
}
