//! One walk over the rows of a view: read or sample a row, apply operations, store or pack it.
//!
//! A view takes one pass, plus one for every contrast (it needs the mean gray of the image so far)
//! and every blur (it needs neighbouring rows). Pixels stay in registers from read to write.

use super::point::{self, Pixels};
use super::resample::{Grid, Planes, RowCache};
use super::simd::Simd;
use super::{FRACTION_BITS, LANES, Point, blur};

/// Where rows come from.
pub(crate) enum Source<'a> {
    /// Two-tap sampling of the image.
    Sample {
        from: Planes<'a>,
        grid: &'a Grid,
        cache: &'a mut RowCache,
    },
    /// Bytes of the view's own size, mirrored if `flip`; `row` is scratch.
    Bytes {
        planes: &'a [u8],
        flip: bool,
        row: &'a mut [i16],
    },
    /// Rows that an earlier pass stored.
    Stored(&'a [i16]),
    /// The same, blurred down.
    Blurred { rows: &'a [i16], taps: &'a [i16] },
}

/// Where rows go.
pub(crate) enum Sink<'a> {
    /// Keep them; the pass gives the sum of their gray.
    Store(&'a mut [i16]),
    /// Keep them blurred across; `padded` is scratch for a row with room for the taps.
    Blur {
        rows: &'a mut [i16],
        taps: &'a [i16],
        padded: &'a mut [i16],
    },
    /// Round them to bytes: planes of row-major bytes.
    Pack(&'a mut [u8]),
}

/// One walk over `height` rows of `width` pixels.
///
/// Stored rows hold red, green and blue one after the other, each padded to a multiple of [`LANES`].
pub(crate) struct Pass<'a> {
    pub width: usize,
    pub height: usize,
    pub source: Source<'a>,
    pub points: &'a [Point],
    pub sink: Sink<'a>,
}

impl Pass<'_> {
    /// Does the walk; gives the sum of gray with fraction bits if the sink is `Store`, else 0.
    #[inline(always)]
    pub fn run<S: Simd>(mut self) -> u64 {
        let padded = self.width.next_multiple_of(LANES);
        let mut gray = S::no_sums();
        let mut rest = 0;
        for y in 0..self.height {
            self.source.prepare::<S>(self.width, y);
            for x in (0..padded).step_by(S::WIDTH) {
                let mut pixels = self.source.read::<S>(padded, self.height, y, x);
                for point in self.points {
                    pixels = point.apply(pixels);
                }
                if let Sink::Store(_) = self.sink {
                    if x + S::WIDTH <= self.width {
                        gray = point::gray(pixels).add_to(gray);
                    } else {
                        rest += partial_sum(point::gray(pixels), self.width.saturating_sub(x));
                    }
                }
                self.sink.write(self.width, self.height, (y, x), pixels);
            }
            self.sink.finish::<S>(self.width, y);
        }
        (S::total(gray) + rest) as u64
    }
}

/// The sum of the first `count` lanes.
#[inline(always)]
fn partial_sum<S: Simd>(values: S, count: usize) -> i64 {
    let mut lanes = [0; LANES];
    values.store(&mut lanes);
    lanes[..count].iter().map(|&lane| i64::from(lane)).sum()
}

/// Pixels of a row whose channels are `stride` values long, from `x` on.
#[inline(always)]
fn load<S: Simd>(row: &[i16], stride: usize, x: usize) -> Pixels<S> {
    [
        S::load(&row[x..]),
        S::load(&row[stride + x..]),
        S::load(&row[2 * stride + x..]),
    ]
}

#[inline(always)]
fn store<S: Simd>([r, g, b]: Pixels<S>, row: &mut [i16], stride: usize, x: usize) {
    r.store(&mut row[x..]);
    g.store(&mut row[stride + x..]);
    b.store(&mut row[2 * stride + x..]);
}

impl Source<'_> {
    #[inline(always)]
    fn prepare<S: Simd>(&mut self, width: usize, y: usize) {
        match self {
            Source::Sample { from, grid, cache } => cache.prepare::<S>(*from, grid, y),
            Source::Bytes { planes, flip, row } => {
                let (plane, padded) = (planes.len() / 3, row.len() / 3);
                for (plane, out) in planes.chunks_exact(plane).zip(row.chunks_exact_mut(padded)) {
                    unpack(&plane[y * width..][..width], *flip, out);
                }
            }
            Source::Stored(_) | Source::Blurred { .. } => {}
        }
    }

    #[inline(always)]
    fn read<S: Simd>(&self, padded: usize, height: usize, y: usize, x: usize) -> Pixels<S> {
        match self {
            Source::Sample { grid, cache, .. } => cache.read(grid, y, x),
            Source::Bytes { row, .. } => load(row, padded, x),
            Source::Stored(rows) => load(&rows[y * 3 * padded..], padded, x),
            Source::Blurred { rows, taps } => [
                blur::down(rows, 3 * padded, height, taps, (y, x)),
                blur::down(rows, 3 * padded, height, taps, (y, padded + x)),
                blur::down(rows, 3 * padded, height, taps, (y, 2 * padded + x)),
            ],
        }
    }
}

impl Sink<'_> {
    #[inline(always)]
    fn write<S: Simd>(
        &mut self,
        width: usize,
        height: usize,
        (y, x): (usize, usize),
        pixels: Pixels<S>,
    ) {
        let stride = width.next_multiple_of(LANES);
        match self {
            Sink::Store(rows) => store(pixels, &mut rows[y * 3 * stride..], stride, x),
            Sink::Blur { taps, padded, .. } => {
                store(
                    pixels,
                    &mut padded[taps.len()..],
                    stride + 2 * taps.len(),
                    x,
                );
            }
            Sink::Pack(out) => {
                let [r, g, b] = pixels;
                let at = y * width + x.min(width);
                let room = width.saturating_sub(x);
                pack(r, &mut out[at..][..room]);
                pack(g, &mut out[height * width + at..][..room]);
                pack(b, &mut out[2 * height * width + at..][..room]);
            }
        }
    }

    #[inline(always)]
    fn finish<S: Simd>(&mut self, width: usize, y: usize) {
        if let Sink::Blur { rows, taps, padded } = self {
            let channel = width.next_multiple_of(LANES);
            let row = &mut rows[y * 3 * channel..][..3 * channel];
            let stride = padded.len() / 3;
            let padded = padded.chunks_exact_mut(stride);
            for (padded, out) in padded.zip(row.chunks_exact_mut(channel)) {
                blur::mirror(padded, width, taps.len());
                blur::across::<S>(padded, taps, out);
            }
        }
    }
}

/// Rounds values to bytes and stores as many as there is room for.
#[inline(always)]
fn pack<S: Simd>(values: S, out: &mut [u8]) {
    let bytes = point::to_bytes(values);
    if out.len() >= S::WIDTH {
        bytes.store_bytes(out);
    } else {
        let mut lanes = [0; LANES];
        bytes.store_bytes(&mut lanes);
        out.copy_from_slice(&lanes[..out.len()]);
    }
}

#[inline(always)]
fn unpack(bytes: &[u8], flip: bool, out: &mut [i16]) {
    if flip {
        for (out, &byte) in out.iter_mut().zip(bytes.iter().rev()) {
            *out = i16::from(byte) << FRACTION_BITS;
        }
    } else {
        for (out, &byte) in out.iter_mut().zip(bytes) {
            *out = i16::from(byte) << FRACTION_BITS;
        }
    }
}
