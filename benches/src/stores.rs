//! Processor time of a view by what crops are taken from: the square, the stored whole image, the
//! file.

use std::hint::black_box;
use std::path::Path;

use augment::{Renderer, ViewKey};
use dataset::{Dataset, OpenOptions, Store};

use crate::clock::thread_secs;
use crate::recipes::whole_images;
use crate::{median, record};

/// The stores take turns this often.
const ROUNDS: usize = 5;

/// Renders views of `side` pixels of the JPEG files in `folder`, two an image, for `secs` with each
/// store; prints the median of the rounds. Decoded images are kept in `cache`.
pub fn measure(folder: &Path, cache: &Path, side: usize, secs: f64) -> anyhow::Result<()> {
    let open = |store| {
        let cache_dir = Some(cache.to_owned());
        let options = OpenOptions { image_size: side, store, cache_dir, ..OpenOptions::default() };
        dataset::open(folder, &options)
    };
    let stores = [Store::Square, Store::Aspect, Store::Encoded];
    let sets = stores.into_iter().map(open).collect::<Result<Vec<Dataset>, _>>()?;
    let mut times = vec![Vec::new(); sets.len()];
    let (mut renderer, mut image) = (Renderer::new(), 0);
    for _ in 0..ROUNDS {
        for (set, times) in sets.iter().zip(&mut times) {
            times.push(ns_per_view(set, side, secs / ROUNDS as f64, &mut renderer, &mut image)?);
        }
    }
    for (store, times) in stores.iter().zip(times) {
        record("stores", &side.to_string(), store.name(), "ns a view", median(times));
    }
    Ok(())
}

fn ns_per_view(
    set: &Dataset,
    side: usize,
    secs: f64,
    renderer: &mut Renderer,
    image: &mut u64,
) -> anyhow::Result<f64> {
    let recipes = [whole_images(side), whole_images(side)];
    let mut out = vec![0; 2 * 3 * side * side];
    let split = &set.unlabeled;
    let (begun, first) = (thread_secs(), *image);
    loop {
        let key = ViewKey { seed: 0, epoch: 0, image: *image, view: 0 };
        let index = *image as usize % split.len();
        renderer.render_views(&recipes, split, index, key, &mut out)?;
        black_box(&out);
        *image += 1;
        let spent = thread_secs() - begun;
        if spent >= secs {
            return Ok(spent * 1e9 / (2 * (*image - first)) as f64);
        }
    }
}
