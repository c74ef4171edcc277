//! The renderer: applies the passes of a view, with scratch memory for one thread.

use dataset::{Image, Part};

use crate::kernels::{
    self, Block, Grid, LANES, Pass, Point, RowCache, Shrink, Shrinker, SimdLevel, Sink, Source,
    half_taps, margin,
};
use crate::{PixelOp, Recipe, ViewKey, ViewParams};

/// Makes views. Keeps its scratch memory: once it has seen the largest sizes and crops it allocates
/// nothing.
///
/// The bytes do not depend on what it rendered before.
pub struct Renderer {
    level: SimdLevel,
    view: ViewParams,
    transposed: Vec<u8>,
    /// Of a part of an image that is in a file.
    pub(crate) planes: Vec<u8>,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    grid: Grid,
    cache: RowCache,
    shrinker: Shrinker,
    rows: [Vec<[Block; 3]>; 2],
    points: Vec<Point>,
    /// Tap weights that belong to `rows` of the same number.
    taps: [Vec<i16>; 2],
    padded: Vec<i16>,
    pairs: Vec<[usize; 2]>,
    /// Which of `rows` the last pass filled.
    current: usize,
}

impl Default for Renderer {
    fn default() -> Self {
        Renderer::new()
    }
}

impl Renderer {
    /// A renderer with the fastest kernels that this processor has.
    pub fn new() -> Renderer {
        Renderer::with(SimdLevel::best())
    }

    /// A renderer with the kernels of one level; `None` where the processor lacks it.
    pub fn with_level(level: SimdLevel) -> Option<Renderer> {
        level.is_available().then(|| Renderer::with(level))
    }

    fn with(level: SimdLevel) -> Renderer {
        Renderer {
            level,
            view: ViewParams::whole(1, 1),
            transposed: Vec::new(),
            planes: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// Draws the view of `key` and renders it into `out`: `3 * size * size` bytes, planar,
    /// row-major.
    ///
    /// The recipe must be [valid](Recipe::validate).
    ///
    /// # Panics
    /// If `out` has another length or the image is empty.
    pub fn render(&mut self, recipe: &Recipe, image: &Image<'_>, key: ViewKey, out: &mut [u8]) {
        let mut view = std::mem::replace(&mut self.view, ViewParams::whole(1, 1));
        recipe.draw_into(key, image.width, image.height, &mut view);
        self.apply(&view, image, recipe.size, recipe.size, out);
        self.view = view;
    }

    /// Renders `view` of `image` into `out`: `3 * height * width` bytes, planar, row-major.
    ///
    /// # Panics
    /// If `out` has another length, or the crop box is empty or not inside the image.
    pub fn apply(
        &mut self,
        view: &ViewParams,
        image: &Image<'_>,
        height: usize,
        width: usize,
        out: &mut [u8],
    ) {
        assert_eq!(out.len(), 3 * height * width, "bytes of a {width}x{height} view");
        let crop = &view.crop;
        let inside = crop.top >= 0.0
            && crop.left >= 0.0
            && crop.height > 0.0
            && crop.width > 0.0
            && crop.top + crop.height <= image.height as f64 + 1e-6
            && crop.left + crop.width <= image.width as f64 + 1e-6;
        assert!(inside, "{crop:?} in an image of {}x{}", image.width, image.height);
        let columns = crop.columns(image.width);
        let rows = crop.rows(image.height);
        let from = image.row_major_part(columns, rows, &mut self.transposed);
        let job = Job { level: self.level, from, flip: view.flip, height, width };
        self.scratch.render(&job, view, out);
    }

    /// As [`apply`](Self::apply), of an image of which `from` has all pixels that the crop box
    /// touches.
    pub(crate) fn apply_to_part(
        &mut self,
        view: &ViewParams,
        from: Part<'_>,
        height: usize,
        width: usize,
        out: &mut [u8],
    ) {
        let job = Job { level: self.level, from, flip: view.flip, height, width };
        self.scratch.render(&job, view, out);
    }
}

/// What a whole rendering shares.
struct Job<'a> {
    level: SimdLevel,
    from: Part<'a>,
    flip: bool,
    height: usize,
    width: usize,
}

/// What the next pass reads.
#[derive(Clone, Copy)]
enum Next {
    Sampled,
    Stored,
    Blurred,
}

/// What a pass writes.
enum Out<'a> {
    Store,
    GaussianBlur,
    Pack(&'a mut [u8]),
}

impl Scratch {
    /// Cuts the steps into passes and runs them.
    fn render(&mut self, job: &Job<'_>, view: &ViewParams, out: &mut [u8]) {
        let (height, width) = (job.height, job.width);
        self.resize(height, width);
        self.points.clear();
        let mut next = self.place(job, view);
        for step in &view.pixel_ops {
            match *step {
                PixelOp::Contrast(factor) => {
                    let gray = self.pass(job, next, Out::Store);
                    let pixels = (height * width) as u64;
                    self.points.push(Point::Contrast {
                        excess: Point::excess(factor),
                        mean: ((gray + pixels / 2) / pixels) as i16,
                    });
                    next = Next::Stored;
                }
                PixelOp::GaussianBlur { kernel_size, sigma } => {
                    let taps = &mut self.taps[1 - self.current];
                    half_taps(kernel_size, sigma, taps);
                    let padded = width.next_multiple_of(LANES) + 2 * margin(taps.len());
                    self.padded.resize(3 * padded + LANES, 0);
                    self.pass(job, next, Out::GaussianBlur);
                    next = Next::Blurred;
                }
                PixelOp::Brightness(factor) => {
                    self.points.push(Point::Brightness { excess: Point::excess(factor) })
                }
                PixelOp::Saturation(factor) => {
                    self.points.push(Point::Saturation { excess: Point::excess(factor) })
                }
                PixelOp::Hue(turn) => {
                    self.points.push(Point::Hue { turn: Point::sixths(6.0 * turn) })
                }
                PixelOp::Grayscale => self.points.push(Point::Grayscale),
                PixelOp::Solarize(threshold) => {
                    self.points.push(Point::Solarize { threshold: Point::threshold(threshold) })
                }
            }
        }
        self.pass(job, next, Out::Pack(out));
    }

    fn resize(&mut self, height: usize, width: usize) {
        let blocks = width.div_ceil(LANES);
        self.cache.reset(blocks);
        for rows in &mut self.rows {
            rows.resize(blocks * height, [Block::ZERO; 3]);
        }
    }

    /// Prepares the crop: two taps where it enlarges, an antialiased resize where it shrinks.
    fn place(&mut self, job: &Job<'_>, view: &ViewParams) -> Next {
        let crop = &view.crop;
        if crop.width > job.width as f64 || crop.height > job.height as f64 {
            let Scratch { shrinker, rows, current, .. } = self;
            shrinker.set(crop, job.flip, &job.from, job.width, job.height);
            let out = &mut rows[*current];
            kernels::run(job.level, Shrink { shrinker, from: &job.from, out });
            return Next::Stored;
        }
        self.grid.set(crop, job.flip, &job.from, job.width, job.height);
        Next::Sampled
    }

    /// Runs one pass with the operations collected so far, and starts a new collection.
    fn pass(&mut self, job: &Job<'_>, next: Next, out: Out<'_>) -> u64 {
        let [first, second] = &mut self.rows;
        let (stored, free) = match self.current {
            0 => (first, second),
            _ => (second, first),
        };
        let source = match next {
            Next::Sampled => {
                Source::Sample { from: &job.from, grid: &self.grid, cache: &mut self.cache }
            }
            Next::Stored => Source::Stored(stored),
            Next::Blurred => {
                let taps = &self.taps[self.current];
                self.pairs.clear();
                self.pairs.reserve(taps.capacity());
                self.pairs.resize(taps.len(), [0; 2]);
                Source::Blurred { rows: stored, taps, pairs: &mut self.pairs }
            }
        };
        let packs = matches!(out, Out::Pack(_));
        let sink = match out {
            Out::Store => Sink::Store(free),
            Out::GaussianBlur => {
                let row = self.padded.len() - LANES;
                let begin = self.padded.as_ptr().align_offset(align_of::<Block>());
                Sink::GaussianBlur {
                    rows: free,
                    taps: &self.taps[1 - self.current],
                    padded: &mut self.padded[begin..][..row],
                }
            }
            Out::Pack(bytes) => Sink::Pack(bytes),
        };
        let pass =
            Pass { width: job.width, height: job.height, source, points: &self.points, sink };
        let gray = kernels::run(job.level, pass);
        self.points.clear();
        if !packs {
            self.current = 1 - self.current;
        }
        gray
    }
}
