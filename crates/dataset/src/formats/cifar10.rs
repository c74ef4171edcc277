//! CIFAR-10's binary format: records of one label byte and three row-major planes of 32 x 32
//! pixels.
//!
//! `data_batch_1.bin` to `data_batch_5.bin` are the training images, `test_batch.bin` the test
//! images, `batches.meta.txt` the class names. There are no unlabeled images.
//!
//! # Reference
//! <https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version".

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::mmap::Mapping;
use crate::split::{Chunk, Storage};
use crate::{Dataset, Error, PixelOrder, Split};

const SIDE: usize = 32;
const RECORD_BYTES: usize = 1 + 3 * SIDE * SIDE;
const CLASSES: usize = 10;
const TEST: &str = "test_batch.bin";
const CLASS_NAMES: &str = "batches.meta.txt";

fn batch_name(number: usize) -> String {
    format!("data_batch_{number}.bin")
}

/// Whether `dir` holds batches in this format.
pub(crate) fn found_in(dir: &Path) -> Result<bool, Error> {
    for name in (1..=5).map(batch_name).chain([TEST.to_owned()]) {
        if files::leads_somewhere(&dir.join(name))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens a folder of batches.
pub(crate) fn open(dir: &Path) -> Result<Dataset, Error> {
    let train = open_batches((1..=5).map(|number| dir.join(batch_name(number))))?;
    let test_path = dir.join(TEST);
    let test = match files::leads_somewhere(&test_path)? {
        true => Some(open_batches([test_path].into_iter())?),
        false => None,
    };
    let class_names = read_class_names(dir)?;
    let unlabeled = train.without_labels();
    Ok(Dataset {
        kind: "CIFAR-10 binaries",
        unlabeled,
        train: Some(train),
        test,
        class_names,
        folds: Vec::new(),
    })
}

fn open_batches(paths: impl Iterator<Item = PathBuf>) -> Result<Split, Error> {
    let (mut chunks, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let map = open_batch(&path)?;
        let count = map.len() / RECORD_BYTES;
        for position in 0..count {
            let label = map.slice(position * RECORD_BYTES, 1)[0];
            if usize::from(label) >= CLASSES {
                return Err(Error::Label {
                    path,
                    position,
                    first: 0,
                    last: CLASSES - 1,
                    found: label.into(),
                });
            }
            labels.push(u16::from(label));
        }
        map.drop_pages();
        let storage = Storage::Mapped(Arc::new(map));
        let chunk = Chunk::new(storage, RECORD_BYTES, count, PixelOrder::RowMajor);
        chunks.push(Chunk { offset: 1, ..chunk });
    }
    let labels = Some(labels.into());
    Ok(Split::new(chunks, labels, (SIDE, SIDE)))
}

fn open_batch(path: &Path) -> Result<Mapping, Error> {
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::Missing { path: path.to_path_buf(), expected: "a batch of CIFAR-10 images" }
        }
        _ => Error::io(path, "open")(error),
    })?;
    let found_bytes = metadata.len();
    if found_bytes == 0 || !found_bytes.is_multiple_of(RECORD_BYTES as u64) {
        let expected =
            format!("a multiple of {RECORD_BYTES} bytes (a label and an image of 3 x 32 x 32)");
        return Err(Error::Length { path: path.to_path_buf(), expected, found_bytes });
    }
    Mapping::open(path)
}

fn read_class_names(dir: &Path) -> Result<Vec<String>, Error> {
    let path = dir.join(CLASS_NAMES);
    let Some(text) = files::if_exists(files::read_text(&path))? else {
        return Ok((0..CLASSES).map(|class| format!("class {class}")).collect());
    };
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(Into::into).collect();
    if names.len() != CLASSES {
        let (expected, found) = (format!("{CLASSES} class names"), names.len().to_string());
        return Err(Error::Text { path, expected, found });
    }
    Ok(names)
}
