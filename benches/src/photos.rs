//! JPEG files into the packed cache.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use dataset::{OpenOptions, SyntheticSpec};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::clock::process_secs;
use crate::recipes::SIDE;
use crate::record;

/// As most cameras and web sites have it, colors at half the resolution.
const QUALITY: u8 = 90;
/// Images rendered at once.
const CHUNK: usize = 64;

/// Writes `count` JPEG files of `side` x `side` pixels of the procedural set.
pub fn write(folder: &Path, count: usize, side: usize) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for first in (0..count).step_by(CHUNK) {
        let spec = SyntheticSpec {
            unlabeled: CHUNK.min(count - first),
            train: 0,
            test: 0,
            size: side,
            seed: first as u64,
        };
        let images = dataset::synthetic(&spec)?.unlabeled;
        let mut scratch = Vec::new();
        for index in 0..images.len() {
            let image = images.image(index);
            let planes = image.row_major(&mut scratch);
            let path = folder.join(format!("{:06}.jpg", first + index));
            let mut encoder = Encoder::new_file(&path, QUALITY)?;
            encoder.set_sampling_factor(SamplingFactor::F_2_2);
            encoder.encode(&interleaved(planes), side as u16, side as u16, ColorType::Rgb)?;
        }
    }
    Ok(())
}

/// Three planes to one sequence of pixels.
fn interleaved(planes: &[u8]) -> Vec<u8> {
    let pixels = planes.len() / 3;
    (0..planes.len()).map(|i| planes[i % 3 * pixels + i / 3]).collect()
}

/// Opens the folder on one thread, with an empty cache at `cache`.
pub fn pack(folder: &Path, cache: &Path) -> anyhow::Result<()> {
    let options = OpenOptions {
        image_size: SIDE,
        cache_dir: Some(cache.to_owned()),
        ..OpenOptions::default()
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let (begun, processor) = (Instant::now(), process_secs());
    let set = pool.install(|| dataset::open(folder, &options))?;
    let (wall, processor) = (begun.elapsed().as_secs_f64(), process_secs() - processor);
    let images = set.unlabeled.len() as f64;
    let print = |metric, secs: f64| record("photos", "packing", "twinview", metric, images / secs);
    print("images a processor second", processor);
    print("images a second", wall);
    record("photos", "packing", "twinview", "images", images);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels() {
        assert_eq!(interleaved(&[1, 2, 3, 4, 5, 6]), [1, 3, 5, 2, 4, 6]);
    }
}
