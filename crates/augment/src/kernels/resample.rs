//! Bilinear resampling of a box that is not larger than the output: two taps a direction.

use dataset::Part;

use super::simd::{GROUP, Simd};
use super::{Block, FRACTION_BITS, LANES};
use crate::CropBox;

/// Groups in a block.
const GROUPS: usize = LANES / GROUP;
/// Fraction bits of a tap's weight; the largest stands for 1 too.
const WEIGHT_BITS: u32 = 15;
/// Fraction bits of a position in the source.
const POSITION_BITS: u32 = 32;

/// Where the outputs of one block lie in a source row.
///
/// [`GROUP`] outputs share a window of source pixels; their left taps are counted from its base.
/// Where the row is as long as a window, all windows lie inside it.
#[derive(Clone, Copy, Debug)]
struct Across {
    bases: [usize; GROUPS],
    /// Left taps.
    index: [u8; LANES],
    /// Weights of the right taps.
    weight: Block,
}

/// Where one output row lies in the source: its upper tap and the lower tap's weight.
#[derive(Clone, Copy, Debug)]
struct Down {
    row: usize,
    weight: i16,
}

/// The sampling grid of a view. Reused: setting it again allocates only if it grows.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    across: Vec<Across>,
    down: Vec<Down>,
}

impl Grid {
    /// Sets the grid that shows `crop` of the image that `from` is a part of in `width` x `height`
    /// outputs, mirrored if `flip`.
    pub fn set(
        &mut self,
        crop: &CropBox,
        flip: bool,
        from: &Part<'_>,
        width: usize,
        height: usize,
    ) {
        let axis = Axis::new(crop.left, crop.width, width, from.left + from.width);
        self.across.clear();
        for first in (0..width).step_by(LANES) {
            self.across.push(across(&axis, flip, from, width, first));
        }
        let axis = Axis::new(crop.top, crop.height, height, from.top + from.height);
        self.down.clear();
        for y in 0..height {
            let (row, weight) = axis.tap(y);
            let row = row - from.top;
            self.down.push(Down { row, weight });
        }
    }
}

/// The block of outputs from `first` on; lanes beyond `width` see the first pixel of the part.
fn across(axis: &Axis, flip: bool, from: &Part<'_>, width: usize, first: usize) -> Across {
    let mut block = Across { bases: [0; GROUPS], index: [0; LANES], weight: Block::ZERO };
    for group in 0..GROUPS {
        let start = first + group * GROUP;
        let end = width.min(start + GROUP);
        if start >= end {
            break;
        }
        let place = |x: usize| if flip { width - 1 - x } else { x };
        let (base, _) = axis.tap(place(if flip { end - 1 } else { start }));
        let base = (base - from.left).min(from.width.saturating_sub(GROUP + 1));
        block.bases[group] = base;
        for x in start..end {
            let (left, weight) = axis.tap(place(x));
            let left = left - from.left;
            // The last pixel of a row is the right tap of the one before it: a step of at most
            // WHITE times the largest weight rounds to the whole step.
            let (left, weight) = match left + 1 == from.width && left > base {
                true => (left - 1, i16::MAX),
                false => (left, weight),
            };
            // At most 15: outputs are not further apart than source pixels.
            block.index[x - first] = (left - base) as u8;
            block.weight[x - first] = weight;
        }
    }
    block
}

/// The half-pixel grid of one direction: positions in the source with [`POSITION_BITS`].
///
/// Output `i` of `count` lies at `start + (i + 0.5) * length / count - 0.5`, limited to the pixels
/// below `limit` that the box touches, as if only those had been cut out.
#[derive(Debug)]
struct Axis {
    origin: i64,
    step: i64,
    first: i64,
    last: i64,
}

impl Axis {
    fn new(start: f64, length: f64, count: usize, limit: usize) -> Axis {
        let fixed = |value: f64| (value * (1i64 << POSITION_BITS) as f64).round() as i64;
        let step = length / count as f64;
        let first = start.floor();
        Axis {
            origin: fixed(start + 0.5 * step - 0.5),
            step: fixed(step),
            first: fixed(first),
            last: fixed((start + length).ceil().min(limit as f64).max(first + 1.0) - 1.0),
        }
    }

    /// The first tap of output `i` and the second tap's weight.
    #[inline(always)]
    fn tap(&self, i: usize) -> (usize, i16) {
        let position = (self.origin + i as i64 * self.step).clamp(self.first, self.last);
        let fraction = position & ((1 << POSITION_BITS) - 1);
        let dropped = POSITION_BITS - WEIGHT_BITS;
        let weight = (fraction + (1 << (dropped - 1))) >> dropped;
        ((position >> POSITION_BITS) as usize, weight.min(32767) as i16)
    }
}

/// The last two source rows, resampled across (blocks of red, green and blue in turn), and which
/// rows they are.
#[derive(Debug, Default)]
pub(crate) struct RowCache {
    rows: [Vec<[Block; 3]>; 2],
    numbers: [Option<usize>; 2],
    /// Channels of a row that is shorter than a window, with room for a whole one.
    short: [[u8; GROUP + 1]; 3],
}

impl RowCache {
    /// Forgets everything and makes room for rows of `blocks` blocks of each channel.
    pub fn reset(&mut self, blocks: usize) {
        for row in &mut self.rows {
            row.resize(blocks, [Block::ZERO; 3]);
        }
        self.numbers = [None; 2];
    }

    /// Gets the source rows of output row `y` ready.
    #[inline(always)]
    pub fn prepare<S: Simd>(&mut self, from: &Part<'_>, grid: &Grid, y: usize) {
        let Down { row, weight } = grid.down[y];
        self.fetch::<S>(from, grid, row);
        if weight != 0 {
            self.fetch::<S>(from, grid, row + 1);
        }
    }

    /// The two source rows of output row `y`, which is prepared, and the lower one's weight.
    #[inline(always)]
    pub fn taps(&self, grid: &Grid, y: usize) -> (&[[Block; 3]], &[[Block; 3]], i16) {
        let Down { row, weight } = grid.down[y];
        // Where the weight is 0 the lower row is another one, which then has no part.
        (&self.rows[row % 2], &self.rows[(row + 1) % 2], weight)
    }

    #[inline(always)]
    fn fetch<S: Simd>(&mut self, from: &Part<'_>, grid: &Grid, number: usize) {
        if self.numbers[number % 2] == Some(number) {
            return;
        }
        self.numbers[number % 2] = Some(number);
        let [red, green, blue] = &mut self.short;
        let plane = from.width * from.height;
        let row = &from.bytes[number * from.width..];
        let red = whole_windows(&row[..from.width], red);
        let green = whole_windows(&row[plane..][..from.width], green);
        let blue = whole_windows(&row[2 * plane..][..from.width], blue);
        let across = &grid.across[..];
        let out = &mut self.rows[number % 2][..across.len()];
        for block in 0..across.len() {
            let place = &across[block];
            for first in (0..LANES).step_by(S::WIDTH) {
                let picks = S::picks(&place.index, first);
                let weight = S::load(&place.weight, first);
                let [red_out, green_out, blue_out] = &mut out[block];
                taps::<S>(red, place, picks, weight, first).store(red_out, first);
                taps::<S>(green, place, picks, weight, first).store(green_out, first);
                taps::<S>(blue, place, picks, weight, first).store(blue_out, first);
            }
        }
    }
}

/// Between two rows: a share `weight` of the way from `upper` to `lower`.
#[inline(always)]
pub(crate) fn between<S: Simd>(upper: &Block, lower: &Block, first: usize, weight: S) -> S {
    let (a, b) = (S::load(upper, first), S::load(lower, first));
    a + (b - a).mul(weight)
}

/// The outputs from `first` on of one block: between two pixels of the row `source`.
#[inline(always)]
fn taps<S: Simd>(source: &[u8], place: &Across, picks: S::Picks, weight: S, first: usize) -> S {
    let windows = [window(source, place.bases[0]), window(source, place.bases[1])];
    let (a, b) = S::pick(&windows, picks, first);
    a.shl::<FRACTION_BITS>() + (b - a).shl::<FRACTION_BITS>().mul(weight)
}

/// The row, or a copy of it with room for a window: what lies beyond it is only read with weight 0.
#[inline(always)]
fn whole_windows<'a>(row: &'a [u8], short: &'a mut [u8; GROUP + 1]) -> &'a [u8] {
    if row.len() > GROUP {
        return row;
    }
    short[..row.len()].copy_from_slice(row);
    short
}

/// 17 bytes from `base` on.
#[inline(always)]
fn window(source: &[u8], base: usize) -> &[u8; GROUP + 1] {
    match source[base..].first_chunk() {
        Some(window) => window,
        None => unreachable!("windows lie inside their rows"),
    }
}
