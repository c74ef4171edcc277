//! Views a second of the loader, which loaders in Python are compared with (`loaders.py`).

use std::path::Path;
use std::time::Instant;

use dataset::{OpenOptions, Store};

use crate::recipes::whole_images;
use crate::record;
use crate::scaling::{PREFETCH, consume, cores, start};

/// As `tools/bench/loaders.py` has it.
const BATCH: usize = 64;

/// Two views of `side` pixels of the JPEG files in `folder`, decoded before and each time, on all
/// cores for `secs` each. Decoded images are kept in `cache`.
pub fn measure(folder: &Path, cache: &Path, side: usize, secs: f64) -> anyhow::Result<()> {
    let recipe = whole_images(side);
    for (store, source) in [(Store::Square, "decoded"), (Store::Encoded, "files")] {
        let cache_dir = Some(cache.to_owned());
        let options = OpenOptions { image_size: side, store, cache_dir, ..OpenOptions::default() };
        let set = dataset::open(folder, &options)?;
        let mut loader = start(&set.unlabeled, &recipe, BATCH, cores())?;
        for _ in 0..2 * PREFETCH {
            consume(&mut loader)?;
        }
        let (begun, mut views) = (Instant::now(), 0);
        while begun.elapsed().as_secs_f64() < secs {
            views += consume(&mut loader)?;
        }
        let rate = views as f64 / begun.elapsed().as_secs_f64() / cores() as f64;
        let metric = format!("{source}: views a second a core");
        record("python", &side.to_string(), "twinview, Rust", &metric, rate);
    }
    Ok(())
}
