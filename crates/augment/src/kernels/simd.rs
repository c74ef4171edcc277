//! A vector of `i16` lanes: the few operations that the kernels are made of.

use std::ops::{Add, Sub};

use super::LANES;

/// Outputs that share one window of source bytes.
pub(crate) const GROUP: usize = 16;

/// Rows of which weighted sums are made at once.
pub(crate) const ROWS: usize = 6;

/// Weighted sums that are made at once of one row.
pub(crate) const SUMS: usize = 4;

/// Values of a row that are weighted at once.
pub(crate) const TAPS: usize = 8;

/// One window of source bytes for each group of a block.
pub(crate) type Windows<'a> = [&'a [u8; GROUP + 1]; LANES / GROUP];

/// Lanes of `i16`. Sums and differences wrap; the kernels stay in range.
pub(crate) trait Simd: Copy + Add<Output = Self> + Sub<Output = Self> {
    /// Lanes; divides [`LANES`].
    const WIDTH: usize;
    /// Sums of many vectors, wider than `i16`.
    type Sums: Copy;
    /// Which bytes of a block's windows go to which lane.
    type Picks: Copy;
    /// A sum of products for each lane, as `i32`.
    type Products: Copy;

    /// The same value in every lane.
    fn splat(value: i16) -> Self;
    /// Values of a block from lane `first` on.
    fn load(from: &[i16; LANES], first: usize) -> Self;
    /// Values that begin anywhere in a slice.
    fn load_from(from: &[i16], first: usize) -> Self;
    /// Bytes of a block from `first` on.
    fn load_bytes(from: &[u8; LANES], first: usize) -> Self;
    /// Writes lanes of a block from `first` on.
    fn store(self, to: &mut [i16; LANES], first: usize);
    /// Writes lanes in 0..=255 as bytes from `first` on.
    fn store_bytes(self, to: &mut [u8; LANES], first: usize);
    /// The picks of the outputs from `first` on; `index` is below 16.
    fn picks(index: &[u8; LANES], first: usize) -> Self::Picks;
    /// Lane `i` of outputs that begin at `first`: the byte `window[index[i]]` of its group's window
    /// of 17 bytes, and the byte after it.
    fn pick(windows: &Windows<'_>, picks: Self::Picks, first: usize) -> (Self, Self);

    /// `(self * other + 2^14) >> 15`.
    fn mul(self, other: Self) -> Self;
    /// Lanes shifted left.
    fn shl<const BITS: i32>(self) -> Self;
    /// Lanes shifted right with their sign.
    fn sar<const BITS: i32>(self) -> Self;
    /// The smaller.
    fn min(self, other: Self) -> Self;
    /// The larger.
    fn max(self, other: Self) -> Self;
    /// The smaller of the lanes read as unsigned numbers.
    fn min_unsigned(self, other: Self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// `yes` where `self == other`, else `no`.
    fn if_equal(self, other: Self, yes: Self, no: Self) -> Self;

    /// No sum yet.
    fn no_sums() -> Self::Sums;
    /// Adds the lanes.
    fn add_to(self, sums: Self::Sums) -> Self::Sums;
    /// The sum over all lanes.
    fn total(sums: Self::Sums) -> i64;

    /// The same sum for every lane.
    fn products(start: i32) -> Self::Products;
    /// Adds `self * weights[0] + other * weights[1]`.
    fn add_products(self, other: Self, weights: [i16; 2], to: Self::Products) -> Self::Products;
    /// The sums shifted right; they fit in a lane then.
    fn narrow<const BITS: i32>(products: Self::Products) -> Self;
    /// Of each of the [`ROWS`] rows of equal length in `rows`, a weighted sum of the values from
    /// each of `starts` on, rounded to `BITS` bits less. There are as many weights, a multiple of
    /// [`TAPS`], for each start.
    fn weighted_sums<const BITS: i32>(
        rows: &[i16],
        starts: &[usize; SUMS],
        weights: &[i16],
    ) -> [[i16; SUMS]; ROWS];

    /// `self` limited to `low..=high`.
    #[inline(always)]
    fn clamp(self, low: Self, high: Self) -> Self {
        self.max(low).min(high)
    }
}
