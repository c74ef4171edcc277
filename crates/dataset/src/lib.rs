//! Image sets on disk become checked, borrowed `u8` images and labels.
//!
//! [`open`] recognizes a folder by its content and gives a [`Dataset`]: three [`Split`]s of images
//! that all have one size, kept as memory-mapped planes and handed out as borrowed [`Image`]s.
//! [`write_stl10`] writes any of them as STL-10 binaries, and [`synthetic`] renders a procedural
//! set for machines that have no images at all. Images that a program has in memory become a split
//! by [`Split::in_memory`].
//!
//! ```
//! let spec = dataset::SyntheticSpec { unlabeled: 4, train: 10, test: 10, size: 16, seed: 0 };
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("set");
//! dataset::write_synthetic(&spec, &path, &|_| {})?;
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

mod cifar10;
mod concat;
mod contact_sheet;
mod describe;
mod error;
mod fingerprint;
mod folder;
mod image;
mod mapping;
mod names;
mod open;
mod progress;
mod resize;
mod split;
mod stl10;
mod stratify;
mod synthetic;
mod thumbnails;
mod transpose;

pub use self::concat::{ConcatSplits, ImageRecord};
pub use self::contact_sheet::{Sheet, contact_sheet, save_png};
pub use self::describe::{Description, SplitDescription, describe};
pub use self::error::Error;
pub use self::folder::read_image;
pub use self::image::{Image, Part, PixelOrder};
pub use self::open::{OpenOptions, open};
pub use self::progress::JobProgress;
pub use self::split::{Dataset, Split};
pub use self::stl10::{WriteOptions, write_stl10, write_synthetic};
pub use self::stratify::{ClassRows, TrainValSplit, rows_by_class, splitmix64, stratified_holdout};
pub use self::synthetic::{SyntheticSpec, synthetic};
pub use self::thumbnails::{jpeg, thumbnails};
