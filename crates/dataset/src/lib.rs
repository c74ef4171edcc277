//! Image datasets: reads STL-10, CIFAR-10, and folders and archives of images as memory-mapped `u8`
//! images.
//!
//! [`open`] detects the format of a folder and returns a [`Dataset`]: up to three [`Split`]s
//! (unlabeled, train, test) of images of one size, borrowed as [`Image`]s from the mapped file.
//! [`list`] finds and counts the images of one or several folders before they are decoded.
//! [`write_stl10`] writes a dataset as STL-10 binaries, and [`synthetic`] renders a procedural
//! dataset for tests and demonstrations. [`Split::in_memory`] makes a split of images in memory.
//!
//! ```
//! let spec = dataset::SyntheticSpec { unlabeled: 4, train: 10, test: 10, size: 16, seed: 0 };
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("set");
//! dataset::write_synthetic(&spec, &path, dataset::GO_ON)?;
//!
//! let set = dataset::open(&path, &dataset::OpenOptions::default())?;
//! let train = set.train.expect("it has labels");
//! let mut scratch = Vec::new();
//! let planes = train.image(3).row_major(&mut scratch); // red, green and blue, row by row
//! let [red, green, blue] = [0, 1, 2].map(|plane| planes[plane * 16 * 16 + 5 * 16 + 7]);
//! let label = train.labels().expect("one an image")[3];
//! println!("a {}: {red} {green} {blue} in row 5, column 7", set.class_names[label as usize]);
//! # assert_eq!((planes.len(), train.len()), (3 * 16 * 16, 10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod concat;
mod describe;
mod error;
mod fingerprint;
mod formats;
mod image;
mod listed;
mod memory;
mod mmap;
mod names;
mod open;
mod open_options;
mod pictures;
mod progress;
mod resize;
mod split;
mod store;
mod stratify;
mod synthetic;
mod threads;
mod transpose;
mod union;
mod whole_image;

pub use self::concat::{ConcatSplits, ImageRecord};
pub use self::describe::{Description, SplitDescription, describe};
pub use self::error::Error;
pub use self::formats::folder::survey::{Copies, FileSurvey};
pub use self::formats::folder::{
    CacheEntry, EncodedFile, EncodedImage, ImageDimensions, UnusedFiles, cache_entries, read_image,
};
pub use self::formats::stl10::{WriteOptions, write_stl10, write_synthetic};
pub use self::image::{Image, Part, PixelOrder};
pub use self::listed::{ListedDataset, list};
pub use self::memory::allocation_may_fail;
pub use self::mmap::mapped_file;
pub use self::open::open;
pub use self::open_options::{FolderLabels, OpenOptions};
pub use self::pictures::{
    PictureFormat, Sheet, contact_sheet, jpeg, save_picture, save_png, thumbnails,
};
pub use self::progress::{GO_ON, JobProgress, Report};
pub use self::split::{Dataset, SharedBytes, Split};
pub use self::store::{Store, StoreChoice};
pub use self::stratify::{
    ClassRows, TrainValSplit, rows_by_class, splitmix64, stratified_folds, stratified_holdout,
};
pub use self::synthetic::{SyntheticSpec, synthetic};
pub use self::threads::start_threads;
pub use self::union::image_file;
pub use self::whole_image::WholeImage;
