//! Folders of image files: listed, decoded once into a packed cache, then opened from there.

mod archive;
mod bad_files;
mod cache;
mod decode;
mod encoded;
mod entries;
mod file_stamp;
mod jpeg;
mod label_file;
mod listing;
mod scan;
mod source;
mod split_name;
pub(crate) mod survey;
#[cfg(test)]
mod tests;
mod tiff_palette;
mod unused;
mod upright;
mod walk;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::formats::archive_format::ArchiveFormat;
use crate::resize::{Resizer, check_size};
use crate::whole_image::WholeImages;
use crate::{Dataset, Error, FolderLabels, OpenOptions, PixelOrder, Split, Store};

use bad_files::BadFiles;
use cache::PackedSet;
use file_stamp::FileStamp;
use listing::{Files, Listing};
use source::Source;
use split_name::SplitName;

pub(crate) use cache::StoredImages;
pub use cache::{CacheEntry, cache_entries};
pub(crate) use encoded::EncodedFiles;
pub use encoded::{EncodedFile, EncodedImage};
pub(crate) use label_file::label_images;
pub use unused::UnusedFiles;

/// A folder of images, listed and not decoded.
#[derive(Debug)]
pub struct ListedFolder {
    dir: PathBuf,
    listing: Listing,
    bad: BadFiles,
    /// Where its decoded images are or will be; set by [`plan`](Self::plan).
    packed: Option<PackedSet>,
}

/// Whether there is an archive at `path` whose name says that it is of a test split.
pub(crate) fn is_test_archive(path: &Path) -> bool {
    ArchiveFormat::of_file(path).is_some()
        && matches!(SplitName::of_path(path, path), Some(SplitName::Test(_)))
}

/// Lists a folder of images, or an archive: by classes, or flat.
pub(crate) fn list(dir: &Path, options: &OpenOptions<'_>) -> Result<ListedFolder, Error> {
    check_size(options.image_size)?;
    let mut bad = match options.left_out {
        Some(_) => BadFiles::LeftOut(Vec::new()),
        None => BadFiles::Refused,
    };
    let listing = scan::scan(dir, &options.labels, &mut bad)?;
    if let Some(unused) = listing.unused.line() {
        tracing::warn!("{}: not used: {unused}", dir.display());
    }
    if listing.kind == "class folders" && options.labels == FolderLabels::Auto {
        tracing::info!(
            "{}: {} folders taken for classes",
            dir.display(),
            listing.class_names.len()
        );
    }
    Ok(ListedFolder { dir: dir.to_owned(), listing, bad, packed: None })
}

impl ListedFolder {
    /// Takes labeled training images for test images, where there are no others.
    pub(crate) fn make_test(&mut self) {
        let Listing { unlabeled, train, test, .. } = &mut self.listing;
        if unlabeled.is_none() && test.is_none() {
            *test = train.take();
        }
    }

    /// Leaves out unlabeled images of an archive of test images: they can't measure, and aren't to
    /// train on.
    pub(crate) fn leave_out_unlabeled(&mut self) {
        if let Some(files) = self.listing.unlabeled.take() {
            let count = listing::images(files.paths.len());
            tracing::warn!("{}: not used: {count} to test on without labels", self.dir.display());
            self.listing.unused.add_images(&self.dir, &format!("{count} without labels"));
        }
    }

    /// Finds where the decoded images are or will be, once it is known what labels they have.
    pub(crate) fn plan(&mut self, options: &OpenOptions<'_>) -> Result<(), Error> {
        self.packed = Some(PackedSet::plan(&self.dir, &self.listing, options, &self.bad)?);
        Ok(())
    }

    /// Whether the images were decoded before, for a store.
    pub(crate) fn is_decoded(&self, store: Store) -> bool {
        self.packed.as_ref().is_some_and(|packed| packed.exists(store))
    }

    /// The dataset without its pixels.
    pub(crate) fn outline(&self, image_size: usize) -> Dataset {
        let split = |files: &Files| {
            let size = (image_size, image_size);
            Split::listed(files.paths.len(), files.labels.clone(), size)
        };
        let Listing { kind, unlabeled, train, test, class_names, .. } = &self.listing;
        let train = train.as_ref().map(split);
        let unlabeled = unlabeled.as_ref().map(split);
        let unlabeled = unlabeled.or_else(|| train.as_ref().map(Split::without_labels));
        let none = || Split::new(Vec::new(), None, (image_size, image_size));
        Dataset {
            kind,
            unlabeled: unlabeled.unwrap_or_else(none),
            train,
            test: test.as_ref().map(split),
            class_names: class_names.clone(),
            folds: Vec::new(),
        }
    }

    /// The files, split by split.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.listing.splits().flat_map(|(_, files)| &files.paths)
    }

    /// The files to train on.
    pub(crate) fn training_files(&self) -> impl Iterator<Item = &PathBuf> {
        let splits = self.listing.splits().filter(|(split, _)| *split != cache::TEST);
        splits.flat_map(|(_, files)| &files.paths)
    }

    /// Width and height of up to `count` of the images to train on, evenly spaced.
    pub(crate) fn some_sizes(&self, count: usize) -> Vec<[u32; 2]> {
        let files: Vec<&PathBuf> = self.training_files().collect();
        let count = count.min(files.len());
        let some: Vec<&PathBuf> = (0..count).map(|i| files[i * files.len() / count]).collect();
        let heads = some.into_par_iter().map(|path| survey::head(&self.listing.source, path));
        heads.flatten().map(|(_, size)| size).collect()
    }

    /// Whether an image can be read without those around it.
    pub(crate) fn is_read_apart(&self) -> bool {
        self.listing.source.is_read_apart()
    }

    /// Opens it; images that weren't decoded before are.
    pub(crate) fn open(&self, options: &OpenOptions<'_>) -> Result<Dataset, Error> {
        let Self { dir, listing, packed, .. } = self;
        let mut bad = self.bad.clone();
        let place = packed.as_ref().expect("it was planned");
        let mut packed = place.open_or_pack(dir, listing, options, &mut bad)?;
        if options.store == Store::Encoded {
            let splits = listing.splits().zip(place.stamps());
            for ((split, files), stamps) in splits.filter(|((of, _), _)| *of != cache::TEST) {
                let count = packed.split(split).map_or(0, Split::len);
                let files = self.kept(split, files, stamps, count)?;
                let files = EncodedFiles::new(listing.source.clone(), files);
                packed.add_whole_images(split, WholeImages::Encoded(files));
            }
        }
        if let (BadFiles::LeftOut(lines), Some(left_out)) = (&bad, options.left_out) {
            lines.iter().for_each(|line| left_out(line));
        }
        Ok(Dataset { kind: listing.kind, class_names: listing.class_names.clone(), ..packed })
    }

    /// The `count` files of a split that could be used, in the order of the images.
    fn kept(
        &self,
        split: &str,
        files: &Files,
        stamps: &[Option<FileStamp>],
        count: usize,
    ) -> Result<Vec<(PathBuf, Option<FileStamp>)>, Error> {
        let all = files.paths.iter().cloned().zip(stamps.iter().copied());
        if count == files.paths.len() {
            return Ok(all.collect());
        }
        let packed = self.packed.as_ref().expect("it was planned");
        let hashes = packed.path_hashes(split);
        let by_hash: HashMap<u64, _> =
            all.map(|file| (cache::path_hash(&self.dir, &file.0), file)).collect();
        let of_place = |place| by_hash.get(hashes.get(&place)?).cloned();
        let kept: Option<Vec<_>> = (0..count).map(of_place).collect();
        kept.ok_or_else(|| Error::Text {
            path: packed.path(),
            expected: format!("the files of {count} images"),
            found: format!("those of {}", hashes.len()),
        })
    }
}

/// One image file, or image of an archive, as a split of one image, brought to `size` x `size`
/// pixels as the images of folders are.
///
/// # Errors
/// If it can't be read or used, or the size is outside 8 to 4096 pixels.
pub fn read_image(path: &Path, size: usize) -> Result<Split, Error> {
    check_size(size)?;
    let bytes = Source::of_image(path)?.read(path, None)?;
    let image = decode::decode(path, &bytes, size)?;
    let mut planes = vec![0; 3 * size * size];
    Resizer::new().fit_image(&image, &mut planes, size);
    Ok(Split::in_memory(planes, None, size, size, PixelOrder::RowMajor))
}

/// Width and height of image files and of images of archives.
#[derive(Debug, Default)]
pub struct ImageDimensions {
    /// Archives that were asked for, listed.
    archives: RefCell<HashMap<PathBuf, Option<Source>>>,
}

impl ImageDimensions {
    /// Width and height of the image at `path` in pixels, of its first bytes alone where it is a
    /// file; `None` where there is no such file or it is no image.
    pub fn of(&self, path: &Path) -> Option<(u32, u32)> {
        let archive =
            path.ancestors().skip(1).find(|above| ArchiveFormat::of_file(above).is_some());
        let head = match archive {
            None => survey::head(&Source::Folders, path),
            Some(archive) => {
                let mut archives = self.archives.borrow_mut();
                let source = archives
                    .entry(archive.to_owned())
                    .or_insert_with(|| Source::of_archive(archive).ok());
                survey::head(source.as_ref()?, path)
            }
        };
        head.map(|(_, [width, height])| (width, height))
    }
}
