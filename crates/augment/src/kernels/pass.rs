//! One walk over the rows of a view: read or sample a row, apply operations, store or pack it.
//!
//! A view takes one pass, plus one for every contrast (it needs the mean gray of the image so far)
//! and every blur (it needs neighboring rows). Pixels stay in registers from read to write.
//!
//! Everything in here is inlined into one function for each instruction set. Closures and iterator
//! adapters would not be, and would lack the instructions: hence plain loops.

use dataset::Part;

use super::blur::{self, Down};
use super::point::{self, Pixels};
use super::resample::{Grid, RowCache, between};
use super::simd::Simd;
use super::{Block, Kernel, LANES, Point, channels_mut};

/// Where rows come from.
pub(crate) enum Source<'a> {
    /// Two-tap sampling of the image.
    Sample { from: &'a Part<'a>, grid: &'a Grid, cache: &'a mut RowCache },
    /// Rows that an earlier pass, or a reduction, stored.
    Stored(&'a [[Block; 3]]),
    /// The same, blurred down; `pairs` is scratch, one pair of rows for each tap.
    Blurred { rows: &'a [[Block; 3]], taps: &'a [i16], pairs: &'a mut [[usize; 2]] },
}

/// Where rows go.
pub(crate) enum Sink<'a> {
    /// Keep them; the pass gives the sum of their gray.
    Store(&'a mut [[Block; 3]]),
    /// Keep them blurred across; `padded` is scratch for a row with room for the taps.
    GaussianBlur { rows: &'a mut [[Block; 3]], taps: &'a [i16], padded: &'a mut [i16] },
    /// Round them to bytes: planes of row-major bytes.
    Pack(&'a mut [u8]),
}

/// One walk over `height` rows of `width` pixels.
///
/// Stored rows hold blocks of red, green and blue in turn.
pub(crate) struct Pass<'a> {
    pub width: usize,
    pub height: usize,
    pub source: Source<'a>,
    pub points: &'a [Point],
    pub sink: Sink<'a>,
}

impl Kernel for Pass<'_> {
    /// The sum of gray with fraction bits if the sink is `Store`, else 0.
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(mut self) -> u64 {
        let (width, height) = (self.width, self.height);
        let blocks = width.div_ceil(LANES);
        let mut gray = Gray::<S> { sums: S::no_sums(), rest: 0 };
        for y in 0..height {
            let input = self.source.row::<S>(height, blocks, y);
            let output = self.sink.row(width, height, blocks, y);
            // Here rather than for every block, so that the inner loop is one for each pair.
            match input {
                InputRow::Between(input) => onward(input, self.points, output, width, &mut gray),
                InputRow::Plain(input) => onward(input, self.points, output, width, &mut gray),
                InputRow::Blurred(input) => onward(input, self.points, output, width, &mut gray),
            }
            self.sink.finish::<S>(blocks, width, y);
        }
        (S::total(gray.sums) + gray.rest) as u64
    }
}

/// Takes a row of `width` pixels from `input` through the operations to where it goes.
#[inline(always)]
fn onward<S: Simd>(
    input: impl Read<S>,
    points: &[Point],
    output: OutputRow<'_>,
    width: usize,
    gray: &mut Gray<S>,
) {
    match output {
        OutputRow::Stored(output) => through(input, points, output, width, gray),
        OutputRow::Padded(output) => through(input, points, output, width, gray),
        OutputRow::Bytes(output) => through(input, points, output, width, gray),
    }
}

/// Takes a row of `width` pixels from `input` through the operations to `output`.
#[inline(always)]
fn through<S: Simd, W: Write<S>>(
    input: impl Read<S>,
    points: &[Point],
    mut output: W,
    width: usize,
    gray: &mut Gray<S>,
) {
    for block in 0..width.div_ceil(LANES) {
        for first in (0..LANES).step_by(S::WIDTH) {
            let mut pixels = input.read(block, first);
            for i in 0..points.len() {
                pixels = points[i].apply(pixels);
            }
            if W::SUMS_GRAY {
                gray.add(pixels, width, block * LANES + first);
            }
            output.write(block, first, pixels);
        }
    }
}

/// The sum of the gray of a view's pixels.
struct Gray<S: Simd> {
    sums: S::Sums,
    /// The sum over vectors that reach beyond their row.
    rest: i64,
}

impl<S: Simd> Gray<S> {
    /// Adds the pixels from place `start` of a row of `width` on.
    #[inline(always)]
    fn add(&mut self, pixels: Pixels<S>, width: usize, start: usize) {
        let values = point::gray(pixels);
        let end = start + S::WIDTH;
        if end <= width {
            self.sums = values.add_to(self.sums);
        } else {
            self.rest += partial_sum(values, end - width);
        }
    }
}

/// The sum of the lanes but the last `excess`.
#[inline(always)]
fn partial_sum<S: Simd>(values: S, excess: usize) -> i64 {
    let mut lanes = [0; LANES];
    values.store(&mut lanes, 0);
    let mut sum = 0;
    for i in 0..S::WIDTH.saturating_sub(excess) {
        sum += i64::from(lanes[i]);
    }
    sum
}

/// One row to read.
enum InputRow<'a> {
    Between(Between<'a>),
    Plain(&'a [[Block; 3]]),
    Blurred(Down<'a>),
}

/// Two rows, and the share of the way from the upper one to the lower.
struct Between<'a> {
    upper: &'a [[Block; 3]],
    lower: &'a [[Block; 3]],
    weight: i16,
}

/// A row that can be read.
trait Read<S> {
    /// Lanes from `first` on of one block.
    fn read(&self, block: usize, first: usize) -> Pixels<S>;
}

impl<S: Simd> Read<S> for Between<'_> {
    #[inline(always)]
    fn read(&self, block: usize, first: usize) -> Pixels<S> {
        let ([r, g, b], [s, h, c]) = (&self.upper[block], &self.lower[block]);
        let weight = S::splat(self.weight);
        [between(r, s, first, weight), between(g, h, first, weight), between(b, c, first, weight)]
    }
}

impl<S: Simd> Read<S> for &[[Block; 3]] {
    #[inline(always)]
    fn read(&self, block: usize, first: usize) -> Pixels<S> {
        let [r, g, b] = &self[block];
        [S::load(r, first), S::load(g, first), S::load(b, first)]
    }
}

impl<S: Simd> Read<S> for Down<'_> {
    #[inline(always)]
    fn read(&self, block: usize, first: usize) -> Pixels<S> {
        self.blurred(block, first)
    }
}

impl Source<'_> {
    #[inline(always)]
    fn row<S: Simd>(&mut self, height: usize, blocks: usize, y: usize) -> InputRow<'_> {
        match self {
            Source::Sample { from, grid, cache } => {
                cache.prepare::<S>(from, grid, y);
                let (upper, lower, weight) = cache.taps(grid, y);
                InputRow::Between(Between { upper, lower, weight })
            }
            Source::Stored(rows) => InputRow::Plain(&rows[y * blocks..][..blocks]),
            Source::Blurred { rows, taps, pairs } => {
                blur::pairs(pairs, y, height, blocks);
                InputRow::Blurred(Down { rows, middle: y * blocks, pairs, taps })
            }
        }
    }
}

/// One row to write.
enum OutputRow<'a> {
    Stored(&'a mut [[Block; 3]]),
    Padded(Padded<'a>),
    Bytes([&'a mut [u8]; 3]),
}

/// A row with room for the taps of a blur: its channels, which start at `start`.
struct Padded<'a> {
    channels: [&'a mut [i16]; 3],
    start: usize,
}

/// A row that can be written.
trait Write<S> {
    /// Whether the gray of what is written is summed.
    const SUMS_GRAY: bool;

    /// Writes lanes from `first` on of one block.
    fn write(&mut self, block: usize, first: usize, pixels: Pixels<S>);
}

impl<S: Simd> Write<S> for &mut [[Block; 3]] {
    const SUMS_GRAY: bool = true;

    #[inline(always)]
    fn write(&mut self, block: usize, first: usize, [r, g, b]: Pixels<S>) {
        let [red, green, blue] = &mut self[block];
        r.store(red, first);
        g.store(green, first);
        b.store(blue, first);
    }
}

impl<S: Simd> Write<S> for Padded<'_> {
    const SUMS_GRAY: bool = false;

    #[inline(always)]
    fn write(&mut self, block: usize, first: usize, [r, g, b]: Pixels<S>) {
        let start = self.start + block * LANES;
        let [red, green, blue] = &mut self.channels;
        store_padded(r, red, start, first);
        store_padded(g, green, start, first);
        store_padded(b, blue, start, first);
    }
}

impl<S: Simd> Write<S> for [&mut [u8]; 3] {
    const SUMS_GRAY: bool = false;

    #[inline(always)]
    fn write(&mut self, block: usize, first: usize, [r, g, b]: Pixels<S>) {
        let [red, green, blue] = self;
        pack(r, &mut red[block * LANES..], first);
        pack(g, &mut green[block * LANES..], first);
        pack(b, &mut blue[block * LANES..], first);
    }
}

impl Sink<'_> {
    #[inline(always)]
    fn row(&mut self, width: usize, height: usize, blocks: usize, y: usize) -> OutputRow<'_> {
        match self {
            Sink::Store(rows) => OutputRow::Stored(&mut rows[y * blocks..][..blocks]),
            Sink::GaussianBlur { taps, padded, .. } => OutputRow::Padded(Padded {
                channels: channels_mut(padded),
                start: blur::margin(taps.len()),
            }),
            Sink::Pack(out) => {
                let [r, g, b] = channels_mut(&mut out[..3 * width * height]);
                OutputRow::Bytes([
                    &mut r[y * width..][..width],
                    &mut g[y * width..][..width],
                    &mut b[y * width..][..width],
                ])
            }
        }
    }

    #[inline(always)]
    fn finish<S: Simd>(&mut self, blocks: usize, width: usize, y: usize) {
        if let Sink::GaussianBlur { rows, taps, padded } = self {
            let out = &mut rows[y * blocks..][..blocks];
            blur::across::<S>(padded, width, taps, out);
        }
    }
}

#[inline(always)]
fn store_padded<S: Simd>(values: S, padded: &mut [i16], start: usize, first: usize) {
    if let Some(block) = padded[start..].first_chunk_mut() {
        values.store(block, first);
    }
}

/// Rounds values to bytes: lanes from `first` on of a block that may have less than [`LANES`].
#[inline(always)]
fn pack<S: Simd>(values: S, out: &mut [u8], first: usize) {
    let bytes = point::to_bytes(values);
    if let Some(block) = out.first_chunk_mut() {
        bytes.store_bytes(block, first);
        return;
    }
    let mut lanes = [0; LANES];
    bytes.store_bytes(&mut lanes, first);
    for i in first..out.len().min(first + S::WIDTH) {
        out[i] = lanes[i];
    }
}
