//! What the loader makes of more threads, and what it costs beside the kernels.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Instant;

use augment::{Recipe, Renderer, ViewKey};
use dataset::{Dataset, Split};
use loader::{Batch, Loader, LoaderConfig, Position, Shard};

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

/// What one round gave.
struct Rate {
    views_per_sec: f64,
    ns_per_view: f64,
}

/// Renders the seed's views with the kernels alone and through the loader, for `secs` each with
/// every number of threads.
pub fn measure(data: &Dataset, secs: f64) -> anyhow::Result<()> {
    let cores = cores();
    let mut threads: Vec<usize> =
        (0..).map(|power| 1 << power).take_while(|&n| n < cores).collect();
    threads.push(cores);
    let round = secs / ROUNDS as f64;
    let mut rates: Vec<[Vec<Rate>; 2]> = threads.iter().map(|_| Default::default()).collect();
    for _ in 0..ROUNDS {
        for (&threads, rates) in threads.iter().zip(&mut rates) {
            rates[0].push(kernels(data, threads, round));
            rates[1].push(through_channel(data, threads, round)?);
        }
    }
    for (threads, rates) in threads.iter().zip(rates) {
        for (contender, rates) in ["kernels", "loader"].into_iter().zip(rates) {
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

/// Threads that do nothing but render, each into memory of its own.
fn kernels(data: &Dataset, threads: usize, secs: f64) -> Rate {
    let recipe = Recipe::seed_strong(SIDE);
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let (begun, processor) = (Instant::now(), process_secs());
    let work = || {
        let mut renderer = Renderer::new();
        let mut out = vec![0; 3 * SIDE * SIDE];
        while begun.elapsed().as_secs_f64() < secs {
            let first = next.fetch_add(SHARE, Ordering::Relaxed);
            for number in first..first + SHARE {
                let image = data.unlabeled.image(number as usize % data.unlabeled.len());
                for view in 0..VIEWS as u32 {
                    let key = ViewKey { seed: 0, epoch: 0, image: number, view };
                    renderer.render(&recipe, &image, key, &mut out);
                    black_box(&mut out);
                }
            }
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
        let touched = block.bytes.iter().step_by(CACHE_LINE);
        black_box(touched.fold(0, |sum: u8, &byte| sum.wrapping_add(byte)));
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
