//! Opens a folder of binaries: maps the images, reads and validates everything else.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use files::leads_somewhere;

use super::{CLASS_NAMES, FOLDS, Shape, file_names, names_file};
use crate::mmap::Mapping;
use crate::names::Names;
use crate::split::{Chunk, Storage};
use crate::{Dataset, Error, Split};

/// Whether `dir` holds images or labels in this format.
pub(crate) fn found_in(dir: &Path) -> Result<bool, Error> {
    for (images, labels) in ["unlabeled", "train", "test"].map(file_names) {
        if leads_somewhere(&dir.join(images))? || leads_somewhere(&dir.join(labels))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens a folder of binaries.
pub(crate) fn open(dir: &Path) -> Result<Dataset, Error> {
    let set = open_part(dir)?;
    if set.unlabeled.is_empty() {
        let path = dir.join(file_names("unlabeled").0);
        return Err(Error::Missing {
            path,
            expected: "images to train on, here or in train_X.bin",
        });
    }
    Ok(set)
}

/// The same of binaries that may have no images to train on, as they are part of a larger set.
pub(crate) fn open_part(dir: &Path) -> Result<Dataset, Error> {
    let shape = Shape::read(dir)?;
    let unlabeled = open_unlabeled(dir, &shape)?;
    let train = open_labeled(dir, "train", &shape)?;
    let test = open_labeled(dir, "test", &shape)?;
    let unlabeled = unlabeled.or_else(|| train.as_ref().map(Split::without_labels));
    let none = || Split::new(Vec::new(), None, (shape.width, shape.height));
    let unlabeled = unlabeled.unwrap_or_else(none);
    let class_names = read_class_names(dir, &shape)?;
    let folds = match &train {
        Some(train) => read_folds(dir, train.len())?,
        None => Vec::new(),
    };
    Ok(Dataset { kind: "STL-10 binaries", unlabeled, train, test, class_names, folds })
}

fn open_unlabeled(dir: &Path, shape: &Shape) -> Result<Option<Split>, Error> {
    let path = dir.join(file_names("unlabeled").0);
    // Earlier versions wrote a link to those of train.
    if shape.unlabeled_is_train
        || !leads_somewhere(&path)?
        || is_one_file(&path, &dir.join(file_names("train").0))
    {
        return Ok(None);
    }
    map_images(&path, "unlabeled", shape, None).map(Some)
}

/// Whether two paths lead to one file, where the system tells.
fn is_one_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    let identity = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    #[cfg(not(unix))]
    let identity = |_: &Path| None::<()>;
    identity(a).is_some_and(|a| identity(b) == Some(a))
}

fn open_labeled(dir: &Path, split: &str, shape: &Shape) -> Result<Option<Split>, Error> {
    let (images_name, labels_name) = file_names(split);
    let (images_path, labels_path) = (dir.join(&images_name), dir.join(labels_name));
    match (leads_somewhere(&images_path)?, leads_somewhere(&labels_path)?) {
        (false, false) => Ok(None),
        (false, true) => Err(Error::Missing {
            path: images_path,
            expected: "the images of the labels beside it",
        }),
        (true, false) => Err(Error::Missing {
            path: labels_path,
            expected: "the labels of the images beside it",
        }),
        (true, true) => {
            let labels = read_labels(&labels_path, shape)?;
            let found = labels.len();
            let split = map_images(&images_path, split, shape, Some(labels))?;
            if found != split.len() {
                let (images, expected) = (images_name, split.len());
                return Err(Error::LabelCount { path: labels_path, images, expected, found });
            }
            Ok(Some(split))
        }
    }
}

fn map_images(
    path: &Path,
    split: &str,
    shape: &Shape,
    labels: Option<Vec<u16>>,
) -> Result<Split, Error> {
    let found_bytes = fs::metadata(path).map_err(Error::io(path, "open"))?.len();
    let stride = shape.image_bytes();
    let length_error =
        |expected| Err(Error::Length { path: path.to_path_buf(), expected, found_bytes });
    let (width, height) = (shape.width, shape.height);
    if let Some(count) = shape.count(split)
        && found_bytes != count.saturating_mul(stride) as u64
    {
        let expected_bytes = count.saturating_mul(stride);
        return length_error(format!(
            "{expected_bytes} bytes ({count} images of 3 x {height} x {width})"
        ));
    }
    if found_bytes == 0 || !found_bytes.is_multiple_of(stride as u64) {
        return length_error(format!(
            "a multiple of {stride} bytes (images of 3 x {height} x {width})"
        ));
    }
    let map = Mapping::open(path)?;
    let count = map.len() / stride;
    let names = Names::open(&path.with_file_name(names_file(split)), count)?;
    let storage = Storage::Mapped(Arc::new(map));
    let chunk = Chunk::new(storage, stride, count, shape.pixel_order.into());
    let chunks = vec![Chunk { names: names.map(Arc::new), ..chunk }];
    Ok(Split::new(chunks, labels.map(Into::into), (width, height)))
}

/// Labels from 1 on become classes from 0 on.
fn read_labels(path: &Path, shape: &Shape) -> Result<Vec<u16>, Error> {
    let bytes = files::read(path)?;
    if !bytes.len().is_multiple_of(shape.label_bytes) {
        let expected = format!("labels of {} bytes each", shape.label_bytes);
        return Err(Error::Length {
            path: path.to_path_buf(),
            expected,
            found_bytes: bytes.len() as u64,
        });
    }
    let labels = bytes.chunks_exact(shape.label_bytes).enumerate().map(|(position, bytes)| {
        let found = bytes.iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte));
        if (1..=shape.classes).contains(&found) {
            Ok((found - 1) as u16)
        } else {
            Err(Error::Label {
                path: path.to_path_buf(),
                position,
                first: 1,
                last: shape.classes,
                found,
            })
        }
    });
    labels.collect()
}

/// The text of a file that may be absent.
fn read_optional(path: &Path) -> Result<Option<String>, Error> {
    let bytes = files::if_exists(files::read(path))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn read_class_names(dir: &Path, shape: &Shape) -> Result<Vec<String>, Error> {
    let path = dir.join(CLASS_NAMES);
    let Some(text) = read_optional(&path)? else {
        return Ok((0..shape.classes).map(|class| format!("class {class}")).collect());
    };
    // Folders, and so classes, may have names that begin or end with a blank.
    let names = text.lines().filter(|line| !line.trim().is_empty());
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.len() != shape.classes {
        let (expected, found) = (format!("{} class names", shape.classes), names.len().to_string());
        return Err(Error::Text { path, expected, found });
    }
    Ok(names)
}

/// One fold a line: 0-based indices of training images, separated by blanks.
fn read_folds(dir: &Path, images: usize) -> Result<Vec<Vec<u32>>, Error> {
    let path = dir.join(FOLDS);
    let Some(text) = read_optional(&path)? else {
        return Ok(Vec::new());
    };
    let mut folds = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut fold = Vec::new();
        for word in line.split_ascii_whitespace() {
            match word.parse::<u32>() {
                Ok(index) if (index as usize) < images => fold.push(index),
                _ => {
                    let expected = format!("indices below {images}, the number of training images");
                    let found = format!("{word:?} in line {}", number + 1);
                    return Err(Error::Text { path, expected, found });
                }
            }
        }
        if !fold.is_empty() {
            folds.push(fold);
        }
    }
    Ok(folds)
}
