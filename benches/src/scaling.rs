//! What the loader makes of more threads, and what it costs beside the kernels.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Instant;

use augment::{Recipe, Renderer, ViewKey};
use dataset::{Dataset, Split};
use loader::{Batch, Loader, LoaderConfig, Pages, Position, Shard};

use crate::clock::{self, process_secs};
use crate::recipes::SIDE;
use crate::{median, record};

const ROUNDS: usize = 5;
/// Images of a batch, with two views each.
const BATCH: usize = 256;
const VIEWS: u64 = 2;
/// Images that a bare thread takes at once.
const SHARE: u64 = 16;
/// A consumer that touches a byte of each of these has had all bytes in its cache.
const CACHE_LINE: usize = 64;

/// The contenders of [`measure`], as the page calls them.
pub const KERNELS: &str = "kernels";
pub const THROUGH_MEMORY: &str = "kernels, through memory";
pub const LOADER: &str = "loader";

/// What one round gave.
struct Rate {
    views_per_sec: f64,
    ns_per_view: f64,
}

/// Renders the seed's views with the kernels alone, into memory that stays in a cache and into as
/// much as the loader has, and through the loader, for `secs` each with every number of threads.
pub fn measure(data: &Dataset, secs: f64) -> anyhow::Result<()> {
    let cores = cores();
    let mut threads: Vec<usize> =
        (0..).map(|power| 1 << power).take_while(|&n| n < cores).collect();
    threads.push(cores);
    let round = secs / ROUNDS as f64;
    let mut rates: Vec<[Vec<Rate>; 3]> = threads.iter().map(|_| Default::default()).collect();
    // The loader's batches: those that wait, the one in the making, and the consumer's.
    let shares = (PREFETCH + 2) * BATCH / SHARE as usize;
    for _ in 0..ROUNDS {
        for (&threads, rates) in threads.iter().zip(&mut rates) {
            rates[0].push(kernels(data, threads, round, None));
            rates[1].push(kernels(data, threads, round, Some(shares / threads)));
            rates[2].push(through_channel(data, threads, round)?);
        }
    }
    for (threads, rates) in threads.iter().zip(rates) {
        for (contender, rates) in [KERNELS, THROUGH_MEMORY, LOADER].into_iter().zip(rates) {
            let print = |metric, value: fn(&Rate) -> f64| {
                let value = median(rates.iter().map(value).collect());
                record("loader", &threads.to_string(), contender, metric, value);
            };
            print("views a second", |rate| rate.views_per_sec);
            print("ns a view", |rate| rate.ns_per_view);
        }
    }
    Ok(())
}

pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Threads that do nothing but render, each into memory of its own: that of one view, or of so many
/// `shares`, where it also reads what it rendered half of them ago, as a consumer does.
fn kernels(data: &Dataset, threads: usize, secs: f64, shares: Option<usize>) -> Rate {
    const VIEW: usize = 3 * SIDE * SIDE;
    let recipe = Recipe::seed_strong(SIDE);
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let (begun, processor) = (Instant::now(), process_secs());
    let work = || {
        let mut renderer = Renderer::new();
        let share = (SHARE * VIEWS) as usize * VIEW;
        let mut out = Pages::zeroed(shares.map_or(VIEW, |shares| shares * share));
        let mut turn = 0;
        while begun.elapsed().as_secs_f64() < secs {
            let first = next.fetch_add(SHARE, Ordering::Relaxed);
            let place = shares.map_or(0, |shares| turn % shares * share);
            let mut views =
                (0..).map(|view| place + if shares.is_some() { view * VIEW } else { 0 });
            for number in first..first + SHARE {
                let image = data.unlabeled.image(number as usize % data.unlabeled.len());
                for view in 0..VIEWS as u32 {
                    let key = ViewKey { seed: 0, epoch: 0, image: number, view };
                    let out = &mut out[views.next().unwrap_or(0)..][..VIEW];
                    renderer.render(&recipe, &image, key, out);
                    black_box(out);
                }
            }
            if let Some(shares) = shares {
                touch(&out[(turn + shares / 2) % shares * share..][..share]);
            }
            turn += 1;
            done.fetch_add(SHARE * VIEWS, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    rate(done.into_inner(), begun, processor)
}

/// Reads every cache line.
fn touch(bytes: &[u8]) {
    let touched = bytes.iter().step_by(CACHE_LINE);
    black_box(touched.fold(0, |sum: u8, &byte| sum.wrapping_add(byte)));
}

/// The same views through the channel, to a consumer that touches every cache line of them.
fn through_channel(data: &Dataset, workers: usize, secs: f64) -> anyhow::Result<Rate> {
    let mut loader = start_seed(data, workers)?;
    // Until here the channel filled; now batches are taken as fast as they come.
    for _ in 0..2 * PREFETCH {
        consume(&mut loader)?;
    }
    let (begun, processor) = (Instant::now(), process_secs());
    let mut views = 0;
    while begun.elapsed().as_secs_f64() < secs {
        views += consume(&mut loader)?;
    }
    Ok(rate(views, begun, processor))
}

fn rate(views: u64, begun: Instant, processor: f64) -> Rate {
    Rate {
        views_per_sec: views as f64 / begun.elapsed().as_secs_f64(),
        ns_per_view: (process_secs() - processor) * 1e9 / views as f64,
    }
}

/// What training has too.
pub const PREFETCH: usize = 3;

fn start_seed(data: &Dataset, workers: usize) -> anyhow::Result<Loader> {
    start(&data.unlabeled, &Recipe::seed_strong(SIDE), BATCH, workers)
}

/// A loader of two views of every image, in batches of at most `batch_size`.
pub fn start(
    images: &Split,
    recipe: &Recipe,
    batch_size: usize,
    workers: usize,
) -> anyhow::Result<Loader> {
    let plan = LoaderConfig {
        seed: 0,
        unlabeled: images.clone(),
        labeled: None,
        batch_size: batch_size.min(images.len()),
        drop_last: false,
        shard: Shard::WHOLE,
        views: vec![recipe.clone(); VIEWS as usize],
        mask: None,
        probe: None,
        workers,
        prefetch: PREFETCH,
    };
    Ok(Loader::start(plan, Position { epoch: 0, step: 0 })?)
}

/// Takes a batch, touches it, gives it back, and says how many views it had.
pub fn consume(loader: &mut Loader) -> anyhow::Result<u64> {
    let batch: Batch = loader.next()?;
    let mut views = 0;
    for block in &batch.blocks {
        touch(&block.bytes);
        views += (block.views * block.images) as u64;
    }
    loader.recycle(batch);
    Ok(views)
}

/// Takes `views` views from a loader on all cores; prints the resident memory after a tenth and
/// after all of them.
pub fn memory(data: &Dataset, views: u64) -> anyhow::Result<()> {
    let mut loader = start_seed(data, cores())?;
    let mut taken = 0;
    for (metric, until) in [("bytes at first", views / 10), ("bytes at last", views)] {
        while taken < until {
            taken += consume(&mut loader)?;
        }
        if let Some(bytes) = clock::memory("VmRSS") {
            record("memory", &views.to_string(), "loader", metric, bytes);
        }
    }
    Ok(())
}
