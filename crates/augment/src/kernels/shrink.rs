//! Antialiased resampling of a box that is larger than the output: a triangle as wide as the
//! reduction, down first, then across.

use std::ops::Range;

use dataset::Part;

use super::simd::{ROWS, SUMS, Simd, TAPS};
use super::{Block, FRACTION_BITS, Kernel, LANES};
use crate::CropBox;

/// Fraction bits of a tap's weight.
const WEIGHT_BITS: i32 = 14;
/// Fraction bits of a value between the two directions; 255 with these still is an `i16`.
const BETWEEN_BITS: i32 = 7;

/// The source pixels that the outputs of one direction are made of.
#[derive(Debug, Default)]
struct Taps {
    /// The first one of each output.
    starts: Vec<usize>,
    /// [`count`](Self::count) weights for each output, which sum to 1.
    weights: Vec<i16>,
    /// Taps of an output; those that it doesn't need have the weight 0.
    count: usize,
}

impl Taps {
    /// Sets the taps of `outputs` outputs that show `length` pixels from `start` on, in reverse
    /// order if `flip`. Only pixels from `touched` are taken, which are counted from `origin`.
    ///
    /// There are weights for a multiple of `multiples[0]` outputs and of `multiples[1]` taps.
    fn set(
        &mut self,
        [start, length]: [f64; 2],
        outputs: usize,
        flip: bool,
        touched: &Range<usize>,
        origin: usize,
        multiples: [usize; 2],
    ) {
        let scale = length / outputs as f64;
        // Half of the triangle's width. Where this direction isn't reduced it is that of two taps.
        let reach = scale.max(1.0);
        let steepness = 1.0 / reach;
        // So many pixel centers lie inside of a triangle at most.
        let most = (2.0 * reach).ceil() as usize;
        self.count = most.next_multiple_of(multiples[1]);
        let padded = outputs.next_multiple_of(multiples[0]);
        self.starts.clear();
        self.starts.resize(padded, 0);
        self.weights.clear();
        self.weights.resize(padded * self.count, 0);
        for output in 0..outputs {
            let place = if flip { outputs - 1 - output } else { output };
            let center = start + (place as f64 + 0.5) * scale;
            // Conversions round down, and to 0 at least.
            let first = touched.start.max((center - reach + 0.5) as usize);
            let beyond = center + reach - 0.5;
            let end = beyond as usize;
            let end = end + usize::from((end as f64) < beyond);
            let end = end.min(touched.end).min(first + most);
            let weight = |x: usize| 1.0 - (x as f64 + 0.5 - center).abs() * steepness;
            let total: f64 = (first..end).map(weight).sum();
            let unit = f64::from(1 << WEIGHT_BITS) / total;
            self.starts[output] = first - origin;
            let weights = &mut self.weights[output * self.count..];
            // Sums are rounded rather than weights, so that the last one is exactly 1.
            let (mut sum, mut before) = (0.0, 0);
            for x in first..end {
                sum += weight(x);
                let rounded = (sum * unit + 0.5) as i16;
                weights[x - first] = rounded - before;
                before = rounded;
            }
        }
    }
}

/// How a box is reduced, and scratch memory. Reused: setting it again allocates only if it grows.
#[derive(Debug, Default)]
pub(crate) struct Shrinker {
    down: Taps,
    across: Taps,
    /// Columns that the box touches, of the part of the image.
    columns: Range<usize>,
    /// The channels of two output rows, reduced down, which have the part's columns still.
    rows: Vec<i16>,
}

impl Shrinker {
    /// Prepares to show `crop` of the image that `from` is a part of in `width` x `height` outputs,
    /// mirrored if `flip`.
    ///
    /// Only the pixels that the box touches are looked at, as if they had been cut out first.
    pub fn set(
        &mut self,
        crop: &CropBox,
        flip: bool,
        from: &Part<'_>,
        width: usize,
        height: usize,
    ) {
        let columns = crop.columns(from.left + from.width);
        let rows = crop.rows(from.top + from.height);
        self.columns = columns.start - from.left..columns.end - from.left;
        let across = [crop.left, crop.width];
        self.across.set(across, width, flip, &columns, from.left, [SUMS, TAPS]);
        self.down.set([crop.top, crop.height], height, false, &rows, from.top, [1, 2]);
        // Blocks and windows may reach beyond the part; the weights there are 0.
        self.rows.resize(ROWS * (from.width.max(LANES) + self.across.count), 0);
    }

    /// One output row of one channel, before it is reduced across.
    #[inline(always)]
    fn reduce_down<S: Simd>(&mut self, plane: &[u8], from: &Part<'_>, y: usize, row: usize) {
        let length = self.rows.len() / ROWS;
        let out = &mut self.rows[row * length..][..length];
        let (start, count) = (self.down.starts[y], self.down.count);
        let weights = &self.down.weights[y * count..][..count];
        let mut column = self.columns.start;
        while column < self.columns.end {
            // The last block may begin in the one before it.
            let at = column.min(from.width.saturating_sub(LANES));
            let [mut upper_copy, mut lower_copy] = [[0; LANES]; 2];
            let Some(block) = out[at..].first_chunk_mut() else {
                unreachable!("rows have room for a block");
            };
            for first in (0..LANES).step_by(S::WIDTH) {
                let mut sums = S::products(1 << (WEIGHT_BITS - BETWEEN_BITS - 1));
                for tap in (0..count).step_by(2) {
                    // Where there is no such row, its weight is 0.
                    let upper = (start + tap).min(from.height - 1);
                    let lower = (start + tap + 1).min(from.height - 1);
                    let upper = bytes(plane, from.width, upper, at, &mut upper_copy);
                    let lower = bytes(plane, from.width, lower, at, &mut lower_copy);
                    let (upper, lower) = (S::load_bytes(upper, first), S::load_bytes(lower, first));
                    let pair = [weights[tap], weights[tap + 1]];
                    sums = S::add_products(upper, lower, pair, sums);
                }
                S::narrow::<{ WEIGHT_BITS - BETWEEN_BITS }>(sums).store(block, first);
            }
            column = at + LANES;
        }
    }

    /// The rows, reduced across, as the output rows that begin at the blocks `firsts`.
    #[inline(always)]
    fn reduce_across<S: Simd>(&self, firsts: [usize; 2], out: &mut [[Block; 3]]) {
        const DROPPED: i32 = BETWEEN_BITS + WEIGHT_BITS - FRACTION_BITS;
        let Taps { starts, weights, count } = &self.across;
        let (groups, _) = starts.as_chunks();
        for group in 0..groups.len() {
            let weights = &weights[group * SUMS * count..][..SUMS * count];
            let sums = S::weighted_sums::<DROPPED>(&self.rows, &groups[group], weights);
            let (block, lane) = (group * SUMS / LANES, group * SUMS % LANES);
            for row in 0..ROWS {
                let to = &mut out[firsts[row / 3] + block][row % 3];
                to[lane..lane + SUMS].copy_from_slice(&sums[row]);
            }
        }
    }
}

/// Reduces `from` as `shrinker` is set to, to rows of blocks of the three channels.
pub(crate) struct Shrink<'a> {
    pub shrinker: &'a mut Shrinker,
    pub from: &'a Part<'a>,
    pub out: &'a mut [[Block; 3]],
}

impl Kernel for Shrink<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Shrink { shrinker, from, out } = self;
        let size = from.width * from.height;
        let height = shrinker.down.starts.len();
        let blocks = out.len() / height;
        for y in (0..height).step_by(2) {
            // The last row of an odd number is made twice.
            let pair = [y, (y + 1).min(height - 1)];
            for row in 0..ROWS {
                let plane = &from.bytes[row % 3 * size..][..size];
                shrinker.reduce_down::<S>(plane, from, pair[row / 3], row);
            }
            shrinker.reduce_across::<S>([pair[0] * blocks, pair[1] * blocks], out);
        }
    }
}

/// A block of the bytes of row `y`, or of a copy of it where it is shorter than a block.
#[inline(always)]
fn bytes<'a>(
    plane: &'a [u8],
    width: usize,
    y: usize,
    at: usize,
    copy: &'a mut [u8; LANES],
) -> &'a [u8; LANES] {
    let row = &plane[y * width..][..width];
    match row[at..].first_chunk() {
        Some(block) => block,
        None => {
            copy[..width].copy_from_slice(row);
            copy
        }
    }
}
