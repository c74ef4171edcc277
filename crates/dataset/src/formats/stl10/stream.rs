//! Writes many images to one file: threads render a block while the previous one is written.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use rayon::prelude::*;

use crate::Error;
use crate::progress::Job;

/// Images of a block: enough for every thread, little enough for memory and a lively progress bar.
const BLOCK_BYTES: usize = 8 << 20;
const LEAST_BLOCK: usize = 64;

/// Writes `count` images of `image_bytes` each, image `index` by `fill(state, index, bytes)`.
///
/// `new_state` makes what one thread keeps between images. Memory stays at two blocks.
///
/// # Errors
/// The error of the first image that has one, or that of writing; [`Error::Interrupted`], in which
/// case what was filled is in the file.
pub(crate) fn write_images<S>(
    path: &Path,
    count: usize,
    image_bytes: usize,
    job: &Job<'_>,
    new_state: impl Fn() -> S + Sync + Send,
    fill: impl Fn(&mut S, usize, &mut [u8]) -> Result<(), Error> + Sync + Send,
) -> Result<(), Error> {
    let mut file = File::create_new(path).map_err(Error::io(path, "write"))?;
    let block = (BLOCK_BYTES / image_bytes).max(LEAST_BLOCK);
    let fill_block = |bytes: &mut Vec<u8>, start: usize| {
        bytes.resize(block.min(count - start) * image_bytes, 0);
        let images = bytes.par_chunks_exact_mut(image_bytes).enumerate();
        let failure = images
            .map_init(&new_state, |state, (i, bytes)| {
                job.check().and_then(|()| fill(state, start + i, bytes)).err()
            })
            .find_map_first(|failure| failure);
        failure.map_or(Ok(()), Err)
    };
    let (mut ready, mut next) = (Vec::new(), Vec::new());
    for start in (0..count).step_by(block) {
        let (written, filled) =
            rayon::join(|| file.write_all(&ready), || fill_block(&mut next, start));
        written.map_err(Error::io(path, "write"))?;
        if let Err(error) = filled {
            if matches!(error, Error::Interrupted) {
                // What is done already may be of use.
                file.write_all(&next).map_err(Error::io(path, "write"))?;
            }
            return Err(error);
        }
        job.advance(next.len() / image_bytes)?;
        std::mem::swap(&mut ready, &mut next);
    }
    file.write_all(&ready).map_err(Error::io(path, "write"))
}

/// Takes the images at the given indices out of a file of images of `image_bytes` each; those after
/// them move up.
///
/// # Errors
/// Those of reading and writing.
pub(crate) fn remove_images<T>(
    path: &Path,
    image_bytes: usize,
    unwanted: &BTreeMap<usize, T>,
) -> Result<(), Error> {
    let shorter = path.with_extension("shorter");
    let copy = || {
        let mut from = BufReader::with_capacity(BLOCK_BYTES, File::open(path)?);
        let mut to = BufWriter::with_capacity(BLOCK_BYTES, File::create_new(&shorter)?);
        let count = fs::metadata(path)?.len() as usize / image_bytes;
        let mut image = vec![0; image_bytes];
        for index in 0..count {
            from.read_exact(&mut image)?;
            if !unwanted.contains_key(&index) {
                to.write_all(&image)?;
            }
        }
        to.into_inner()?;
        fs::rename(&shorter, path)
    };
    copy().map_err(Error::io(path, "write"))
}
