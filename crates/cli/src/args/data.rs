//! Arguments of `data`.

use std::path::PathBuf;

use clap::Subcommand;

use super::data_source::ReadingArguments;
use super::examples;

/// The commands about data sets.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Describe a data set: splits, classes, image size, color statistics.
    #[command(after_help = examples::DATA_INFO)]
    Info {
        /// Data set: a folder or an archive of images, or STL-10 or CIFAR-10 binaries; several
        /// are one set.
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
        /// How it is read.
        #[command(flatten)]
        reading: ReadingArguments,
        /// Side in pixels to which a folder's images are resized.
        #[arg(long, value_name = "N", default_value_t = 96)]
        image_size: usize,
        /// Save thumbnails as a .png, .jpg or .webp file.
        #[arg(long, value_name = "FILE")]
        sheet: Option<PathBuf>,
    },
    /// Convert a data set to STL-10 binaries.
    #[command(after_help = examples::DATA_PACK)]
    Pack {
        /// Data set; several are one set.
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
        /// How it is read.
        #[command(flatten)]
        reading: ReadingArguments,
        /// Side of the written images in pixels.
        #[arg(long, value_name = "N", default_value_t = 96)]
        image_size: usize,
        /// Output folder; new or empty.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// List the decoded images of folders in the cache, or delete them.
    #[command(after_help = examples::DATA_CACHE)]
    Cache {
        /// Delete the decoded images of FOLDER, or of all folders; they are decoded again when they
        /// are needed.
        #[arg(long, value_name = "FOLDER", num_args = 0..=1)]
        clear: Option<Option<PathBuf>>,
        /// Delete what was not used for this many days.
        #[arg(long, value_name = "DAYS")]
        older_than: Option<u64>,
    },
    /// Generate a synthetic data set of ten classes of shapes and textures.
    #[command(after_help = examples::DATA_SYNTH)]
    Synth {
        /// Output folder; new or empty.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Number of unlabeled images.
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        unlabeled: usize,
        /// Number of labeled training images.
        #[arg(long, value_name = "N", default_value_t = 2_000)]
        train: usize,
        /// Number of labeled test images.
        #[arg(long, value_name = "N", default_value_t = 2_000)]
        test: usize,
        /// Side of the images in pixels.
        #[arg(long, value_name = "N", default_value_t = 96)]
        image_size: usize,
        /// Random seed.
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
    },
}
