//! Transposes a plane of bytes in square blocks.
//!
//! On x86-64 a block is 16 x 16 bytes in sixteen registers of SSE2, which every such processor has;
//! elsewhere it is 8 x 8 bytes in eight 64-bit words. Edges that fill no block go byte by byte.

#[cfg(target_arch = "x86_64")]
use self::sse2 as kernel;
#[cfg(not(target_arch = "x86_64"))]
use self::words as kernel;

/// Writes `from`, `columns` runs of `rows` bytes, to `to` as `rows` runs of `columns` bytes.
///
/// The runs of `from` begin `stride` bytes apart; `to` holds `rows * columns` bytes.
pub(crate) fn transpose(from: &[u8], stride: usize, to: &mut [u8], rows: usize, columns: usize) {
    by_blocks::<{ kernel::SIDE }>(from, stride, to, rows, columns, kernel::transpose_block);
}

/// A block of `SIDE` runs of `SIDE` bytes; the runs begin `stride` bytes apart.
type TransposeBlock = fn(from: &[u8], from_stride: usize, to: &mut [u8], to_stride: usize);

#[inline(always)]
fn by_blocks<const SIDE: usize>(
    from: &[u8],
    stride: usize,
    to: &mut [u8],
    rows: usize,
    columns: usize,
    transpose_block: TransposeBlock,
) {
    let end = (columns - 1) * stride + rows;
    assert!(rows <= stride && end <= from.len(), "{columns} runs of {rows} bytes");
    assert_eq!(to.len(), rows * columns, "{rows} x {columns} plane");
    let (whole_rows, whole_columns) = (rows - rows % SIDE, columns - columns % SIDE);
    for x in (0..whole_columns).step_by(SIDE) {
        for y in (0..whole_rows).step_by(SIDE) {
            transpose_block(&from[x * stride + y..], stride, &mut to[y * columns + x..], columns);
        }
    }
    for x in 0..columns {
        let first_row = if x < whole_columns { whole_rows } else { 0 };
        for y in first_row..rows {
            to[y * columns + x] = from[x * stride + y];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_loadu_si128, _mm_setzero_si128, _mm_storeu_si128, _mm_unpackhi_epi8,
        _mm_unpacklo_epi8,
    };

    pub const SIDE: usize = 16;

    /// Four rounds that interleave run `i` with run `i + 8`.
    #[inline(always)]
    pub fn transpose_block(from: &[u8], from_stride: usize, to: &mut [u8], to_stride: usize) {
        assert!(from.len() >= 15 * from_stride + 16 && to.len() >= 15 * to_stride + 16);
        // SAFETY: SSE2 belongs to x86-64.
        let mut block = [unsafe { _mm_setzero_si128() }; SIDE];
        for (i, run) in block.iter_mut().enumerate() {
            // SAFETY: run `i` is the 16 bytes from `i * from_stride` on, inside `from` by the
            // assertion.
            *run = unsafe { _mm_loadu_si128(from.as_ptr().add(i * from_stride).cast()) };
        }
        let block = round(round(round(round(block))));
        for (i, run) in block.into_iter().enumerate() {
            // SAFETY: run `i` is the 16 bytes from `i * to_stride` on, inside `to` by the
            // assertion.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().add(i * to_stride).cast(), run) };
        }
    }

    #[inline(always)]
    fn round(r: [__m128i; SIDE]) -> [__m128i; SIDE] {
        // SAFETY: SSE2 belongs to x86-64.
        let low = |i: usize| unsafe { _mm_unpacklo_epi8(r[i], r[i + 8]) };
        // SAFETY: SSE2 belongs to x86-64.
        let high = |i: usize| unsafe { _mm_unpackhi_epi8(r[i], r[i + 8]) };
        [
            low(0),
            high(0),
            low(1),
            high(1),
            low(2),
            high(2),
            low(3),
            high(3),
            low(4),
            high(4),
            low(5),
            high(5),
            low(6),
            high(6),
            low(7),
            high(7),
        ]
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    pub const SIDE: usize = 8;

    /// Swaps the off-diagonal quarters of the block, then of its quarters, then of their quarters.
    #[inline(always)]
    pub fn transpose_block(from: &[u8], from_stride: usize, to: &mut [u8], to_stride: usize) {
        let [a, b, c, d, e, f, g, h]: [u64; SIDE] = std::array::from_fn(|i| {
            let run = &from[i * from_stride..][..SIDE];
            u64::from_le_bytes(run.try_into().expect("eight bytes"))
        });
        let ([a, e], [b, f], [c, g], [d, h]) = (swap4(a, e), swap4(b, f), swap4(c, g), swap4(d, h));
        let ([a, c], [b, d], [e, g], [f, h]) = (swap2(a, c), swap2(b, d), swap2(e, g), swap2(f, h));
        let ([a, b], [c, d], [e, f], [g, h]) = (swap1(a, b), swap1(c, d), swap1(e, f), swap1(g, h));
        for (i, run) in [a, b, c, d, e, f, g, h].into_iter().enumerate() {
            to[i * to_stride..][..SIDE].copy_from_slice(&run.to_le_bytes());
        }
    }

    fn swap4(a: u64, b: u64) -> [u64; 2] {
        const M: u64 = 0x0000_0000_ffff_ffff;
        [(a & M) | (b << 32), (a >> 32) | (b & !M)]
    }

    fn swap2(a: u64, b: u64) -> [u64; 2] {
        const M: u64 = 0x0000_ffff_0000_ffff;
        [(a & M) | ((b & M) << 16), ((a >> 16) & M) | (b & !M)]
    }

    fn swap1(a: u64, b: u64) -> [u64; 2] {
        const M: u64 = 0x00ff_00ff_00ff_00ff;
        [(a & M) | ((b & M) << 8), ((a >> 8) & M) | (b & !M)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plane(bytes: usize, seed: u8) -> Vec<u8> {
        (0..bytes)
            .map(|i| (i as u32).wrapping_mul(2_654_435_761).rotate_left(9) as u8 ^ seed)
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_byte_lands_on_the_mirrored_place(
            rows in 1usize..70,
            columns in 1usize..70,
            gap in 0usize..40,
            seed: u8,
        ) {
            let stride = rows + gap;
            let from = plane((columns - 1) * stride + rows, seed);
            let (mut to, mut by_words) = (vec![0; rows * columns], vec![0; rows * columns]);
            transpose(&from, stride, &mut to, rows, columns);
            by_blocks::<{ words::SIDE }>(
                &from,
                stride,
                &mut by_words,
                rows,
                columns,
                words::transpose_block,
            );
            for y in 0..rows {
                for x in 0..columns {
                    let expected = from[x * stride + y];
                    prop_assert_eq!(to[y * columns + x], expected, "row {} column {}", y, x);
                    prop_assert_eq!(by_words[y * columns + x], expected, "words, row {} column {}", y, x);
                }
            }
        }
    }
}
