//! Writes a dataset as STL-10 binaries.

use std::fs;
use std::path::Path;

use files::AtomicFolder;

use super::stream::write_images;
use super::{CLASS_NAMES, FOLDS, Shape, file_names, names_file};
use crate::formats::stl10::shape::Order;
use crate::names::Names;
use crate::progress::{GO_ON, Job, Report};
use crate::resize::Resizer;
use crate::synthetic::{self, Part, Renderer};
use crate::transpose::transpose;
use crate::{Dataset, Error, PixelOrder, Split, SyntheticSpec};

/// How to write binaries.
pub struct WriteOptions<'a> {
    /// Width and height to bring the images to, in pixels; `None` keeps their size.
    pub image_size: Option<usize>,
    /// Called while images are written; where it breaks, nothing is.
    pub progress: Report<'a>,
}

impl Default for WriteOptions<'_> {
    fn default() -> Self {
        Self { image_size: None, progress: GO_ON }
    }
}

/// Writes `dataset` as STL-10 binaries into `out_dir`, which must be new or empty;
/// [`open`](crate::open) reads them back.
///
/// Images of another size have their shorter side resized (bilinear, antialiased) and their center
/// cropped. Where the set has no unlabeled images of its own, there is no `unlabeled_X.bin`, and
/// `shape.json` says that those of `train_X.bin` serve. Two bytes a label are written for more than
/// 255 classes. Names of images, where they are known, are kept in `*_names.txt`.
///
/// # Errors
/// If the size is outside 8 to 4096 pixels, the folder holds something or cannot be written;
/// [`Error::Interrupted`]. Nothing stays behind then.
pub fn write_stl10(
    dataset: &Dataset,
    out_dir: &Path,
    options: &WriteOptions<'_>,
) -> Result<(), Error> {
    let unlabeled = &dataset.unlabeled;
    let (width, height) = match options.image_size {
        Some(size) => {
            crate::resize::check_size(size)?;
            (size, size)
        }
        None => (unlabeled.width(), unlabeled.height()),
    };
    let shared = dataset.unlabeled_is_train();
    let mut shape = Shape::new(width, height, dataset.class_names.len(), Order::ColumnMajor);
    let folder = AtomicFolder::create(out_dir)?;
    let splits = [
        ("unlabeled", (!shared).then_some(unlabeled)),
        ("train", dataset.train.as_ref()),
        ("test", dataset.test.as_ref()),
    ];
    let total = splits.iter().filter_map(|(_, split)| *split).map(Split::len).sum();
    let job = Job::begin("writing images", total, options.progress)?;
    for (name, split) in splits {
        let Some(split) = split else { continue };
        shape.set_count(name, split.len());
        let (images, labels) = file_names(name);
        write_split(split, &folder.path().join(images), &shape, &job)?;
        write_image_names(folder.path(), name, split)?;
        if name != "unlabeled" {
            let labels_of_split = split.labels().ok_or_else(|| Error::Argument {
                name,
                expected: "images with labels".into(),
                found: "none".into(),
            })?;
            write_labels(&folder.path().join(labels), labels_of_split, &shape)?;
        }
    }
    shape.unlabeled_is_train = shared;
    write_names(folder.path(), &dataset.class_names)?;
    write_folds(folder.path(), &dataset.folds)?;
    shape.write(folder.path())?;
    Ok(folder.commit()?)
}

/// Renders the set of [`synthetic`](crate::synthetic()) straight into STL-10 binaries, with little
/// memory whatever its size.
///
/// # Errors
/// As [`synthetic`](crate::synthetic()) and [`write_stl10`].
pub fn write_synthetic(
    spec: &SyntheticSpec,
    out_dir: &Path,
    progress: Report<'_>,
) -> Result<(), Error> {
    synthetic::check(spec)?;
    let class_names = synthetic::class_names();
    let mut shape = Shape::new(spec.size, spec.size, class_names.len(), Order::ColumnMajor);
    let folder = AtomicFolder::create(out_dir)?;
    let job = Job::begin("rendering images", spec.unlabeled + spec.train + spec.test, progress)?;
    for (name, part, count) in [
        ("unlabeled", Part::Unlabeled, spec.unlabeled),
        ("train", Part::Train, spec.train),
        ("test", Part::Test, spec.test),
    ] {
        if count == 0 {
            continue;
        }
        shape.set_count(name, count);
        let (images, labels) = file_names(name);
        let path = folder.path().join(images);
        let new_state = || (Renderer::new(spec.size), vec![0; shape.image_bytes()]);
        write_images(
            &path,
            count,
            shape.image_bytes(),
            &job,
            new_state,
            |(renderer, planes), index, out| {
                synthetic::render(renderer, spec.seed, part, index, planes);
                to_columns(planes, out, spec.size, spec.size);
                Ok(())
            },
        )?;
        if part != Part::Unlabeled {
            write_labels(
                &folder.path().join(labels),
                &synthetic::labels(spec.seed, part, count),
                &shape,
            )?;
        }
    }
    write_names(folder.path(), &class_names)?;
    shape.write(folder.path())?;
    Ok(folder.commit()?)
}

fn write_split(split: &Split, path: &Path, shape: &Shape, job: &Job<'_>) -> Result<(), Error> {
    let (width, height) = (shape.width, shape.height);
    let same_size = (split.width(), split.height()) == (width, height);
    let new_state = || (Resizer::new(), Vec::new(), vec![0; shape.image_bytes()]);
    write_images(
        path,
        split.len(),
        shape.image_bytes(),
        job,
        new_state,
        |(fitter, scratch, planes), index, out| {
            let image = split.image(index);
            if same_size && image.order == PixelOrder::ColumnMajor {
                out.copy_from_slice(image.bytes);
            } else if same_size {
                to_columns(image.row_major(scratch), out, width, height);
            } else {
                fitter.fit_planes(
                    image.row_major(scratch),
                    (image.width, image.height),
                    planes,
                    (width, height),
                );
                to_columns(planes, out, width, height);
            }
            Ok(())
        },
    )?;
    split.check()
}

/// Row-major planes to column-major ones.
fn to_columns(planes: &[u8], out: &mut [u8], width: usize, height: usize) {
    for (from, to) in planes.chunks_exact(width * height).zip(out.chunks_exact_mut(width * height))
    {
        transpose(from, width, to, width, height);
    }
}

/// Writes classes from 0 on as labels from 1 on.
pub(crate) fn write_labels(path: &Path, labels: &[u16], shape: &Shape) -> Result<(), Error> {
    let on_disk = labels.iter().map(|&label| u32::from(label) + 1);
    let bytes: Vec<u8> =
        on_disk.flat_map(|label| label.to_le_bytes().into_iter().take(shape.label_bytes)).collect();
    fs::write(path, bytes).map_err(Error::io(path, "write"))
}

/// Writes the names of a split's images, where they are known.
fn write_image_names(dir: &Path, name: &str, split: &Split) -> Result<(), Error> {
    if split.is_empty() || split.name(0).is_none() {
        return Ok(());
    }
    let names = (0..split.len()).map(|index| split.name(index).unwrap_or_default());
    Names::write(&dir.join(names_file(name)), names)
}

/// Writes one class name a line.
fn write_names(dir: &Path, class_names: &[String]) -> Result<(), Error> {
    let path = dir.join(CLASS_NAMES);
    let text: String = class_names.iter().map(|name| format!("{name}\n")).collect();
    fs::write(&path, text).map_err(Error::io(&path, "write"))
}

fn write_folds(dir: &Path, folds: &[Vec<u32>]) -> Result<(), Error> {
    if folds.is_empty() {
        return Ok(());
    }
    let path = dir.join(FOLDS);
    let line =
        |fold: &Vec<u32>| fold.iter().map(|index| format!("{index} ")).collect::<String>() + "\n";
    let text: String = folds.iter().map(line).collect();
    fs::write(&path, text).map_err(Error::io(&path, "write"))
}
