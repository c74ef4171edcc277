//! How long it takes from the start of a program to its first images, and in how much memory.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use dataset::OpenOptions;

use crate::clock::memory;
use crate::record;

/// Opens a set and reads its first image.
pub fn measure(data: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    let set = dataset::open(data, &OpenOptions::default())?;
    black_box(set.unlabeled.image(0).bytes.to_vec());
    let secs = begun.elapsed().as_secs_f64();
    let images = set.unlabeled.len().to_string();
    record("growth", &images, "twinview", "seconds to open", secs);
    if let Some(bytes) = memory("VmHWM") {
        record("growth", &images, "twinview", "bytes to open", bytes);
    }
    Ok(())
}
