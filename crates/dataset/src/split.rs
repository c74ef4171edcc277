//! A data set and its splits.

use std::sync::Arc;

use memmap2::Mmap;

use crate::{Image, PixelOrder};

/// Bytes that hold image records, wherever they live.
#[derive(Clone, Debug)]
pub(crate) enum Storage {
    Mapped(Arc<Mmap>),
    Owned(Arc<[u8]>),
}

/// A run of equally long image records inside one storage.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub storage: Storage,
    /// Byte offset of the first record's planes, bytes between two records' planes, number of records.
    pub offset: usize,
    pub stride: usize,
    pub count: usize,
}

/// Images of one size with one optional label each. Cheap to clone; shared between threads.
#[derive(Clone, Debug)]
pub struct Split {
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) labels: Option<Arc<[u16]>>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) order: PixelOrder,
}

impl Split {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.count).sum()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Width of every image, in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height of every image, in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The classes of the images, 0-based, where they are known.
    pub fn labels(&self) -> Option<&[u16]> {
        self.labels.as_deref()
    }

    /// The image at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len): indices come from a sampler over this very split.
    pub fn image(&self, index: usize) -> Image<'_> {
        let mut rest = index;
        for chunk in &self.chunks {
            if rest < chunk.count {
                let start = chunk.offset + rest * chunk.stride;
                let bytes = match &chunk.storage {
                    Storage::Mapped(map) => &map[..],
                    Storage::Owned(bytes) => &bytes[..],
                };
                return Image {
                    bytes: &bytes[start..start + 3 * self.width * self.height],
                    width: self.width,
                    height: self.height,
                    order: self.order,
                };
            }
            rest -= chunk.count;
        }
        panic!("image {index} of a split of {}", self.len());
    }
}

/// A whole image set. Every image of every split has the same size.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What kind of source it was read from, for logs: "STL-10 binaries", "image folder", ...
    pub kind: &'static str,
    /// Images without labels to pretrain on; where a source has none, a clone of `train`.
    pub unlabeled: Split,
    /// Labelled images for probes; `None` for a flat folder of images.
    pub train: Option<Split>,
    /// Labelled images that only measure.
    pub test: Option<Split>,
    /// One name a class, in label order.
    pub class_names: Vec<String>,
    /// Predefined subsets of `train` (STL-10: ten folds of 1,000), 0-based indices.
    pub folds: Vec<Vec<u32>>,
}
