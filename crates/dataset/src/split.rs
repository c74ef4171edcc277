//! Datasets and their splits.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::mmap::Mapping;
use crate::names::Names;
use crate::whole_image::{WholeImage, WholeImages};
use crate::{Error, Image, PixelOrder, Store};

/// Memory of another owner, which stays as it is while it is borrowed.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Bytes of image records: in memory or memory-mapped.
#[derive(Clone)]
pub(crate) enum Storage {
    Mapped(Arc<Mapping>),
    InMemory(SharedBytes),
    /// Of images that are listed, not decoded yet: there are no bytes.
    Listed(Arc<()>),
}

impl Storage {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mapped(a), Self::Mapped(b)) => Arc::ptr_eq(a, b),
            (Self::InMemory(a), Self::InMemory(b)) => Arc::ptr_eq(a, b),
            (Self::Listed(a), Self::Listed(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mapped(map) => map.fmt(f),
            Self::InMemory(bytes) => write!(f, "{} bytes in memory", (**bytes).as_ref().len()),
            Self::Listed(_) => f.write_str("listed"),
        }
    }
}

/// Consecutive image records of equal length in one storage.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub storage: Storage,
    /// Byte offset of the first record's planes, bytes between two records' planes, number of
    /// records.
    pub offset: usize,
    pub stride: usize,
    pub count: usize,
    /// Order of the pixels in memory.
    pub order: PixelOrder,
    /// Names of the storage's records, from its first on.
    pub names: Option<Arc<Names>>,
    /// Whole images of the storage's records, where these are center squares.
    pub whole: Option<Arc<WholeImages>>,
    /// What the names begin with, where a dataset is of several sets: the name of this one.
    pub set_name: Option<Arc<str>>,
    /// Number of images in the chunks before; set by [`Split::new`].
    pub before: usize,
}

impl Chunk {
    /// `count` records of `stride` bytes, one after the other from the first byte of `storage` on.
    pub fn new(storage: Storage, stride: usize, count: usize, order: PixelOrder) -> Self {
        let (names, whole, set_name) = (None, None, None);
        Self { storage, offset: 0, stride, count, order, names, whole, set_name, before: 0 }
    }

    /// The number of a record in the storage, for the one at `place` here.
    fn record(&self, place: usize) -> usize {
        self.offset / self.stride + place
    }
}

/// Images of one size with one optional label each. Cheap to clone; shared between threads.
#[derive(Clone, Debug)]
pub struct Split {
    chunks: Arc<[Chunk]>,
    labels: Option<Arc<[u16]>>,
    width: usize,
    height: usize,
}

impl Split {
    /// The images of `chunks`, one chunk after the other.
    pub(crate) fn new(
        mut chunks: Vec<Chunk>,
        labels: Option<Arc<[u16]>>,
        (width, height): (usize, usize),
    ) -> Self {
        let mut images = 0;
        for chunk in &mut chunks {
            chunk.before = images;
            images += chunk.count;
        }
        Self { chunks: chunks.into(), labels, width, height }
    }

    /// `count` images that are listed, not decoded yet: they have labels and a size, no pixels.
    pub(crate) fn listed(count: usize, labels: Option<Vec<u16>>, size: (usize, usize)) -> Self {
        let storage = Storage::Listed(Arc::new(()));
        let chunk = Chunk::new(storage, 3 * size.0 * size.1, count, PixelOrder::RowMajor);
        Self::new(vec![chunk], labels.map(Into::into), size)
    }

    /// Whether images are not decoded yet.
    pub(crate) fn is_listed(&self) -> bool {
        self.chunks.iter().any(|chunk| matches!(chunk.storage, Storage::Listed(_)))
    }

    /// The images of all `splits`, of which there are some, of one size and all with labels or all
    /// without.
    pub(crate) fn concat(splits: &[Self]) -> Self {
        let first = splits.first().expect("at least one split");
        let size = (first.width, first.height);
        assert!(splits.iter().all(|split| (split.width, split.height) == size), "several sizes");
        let labels: Option<Vec<&[u16]>> = splits.iter().map(Self::labels).collect();
        let chunks = splits.iter().flat_map(|split| split.chunks.iter().cloned()).collect();
        Self::new(chunks, labels.map(|labels| labels.concat().into()), size)
    }

    /// The same images, with names that begin with `set_name`.
    pub(crate) fn with_set_name(&self, set_name: &Arc<str>) -> Self {
        let mut chunks = self.chunks.to_vec();
        chunks.iter_mut().for_each(|chunk| chunk.set_name = Some(set_name.clone()));
        Self { chunks: chunks.into(), ..self.clone() }
    }

    /// The same images, each the center square of one of `whole`.
    pub(crate) fn with_whole_images(&self, whole: &Arc<WholeImages>) -> Self {
        let mut chunks = self.chunks.to_vec();
        chunks.iter_mut().for_each(|chunk| chunk.whole = Some(whole.clone()));
        Self { chunks: chunks.into(), ..self.clone() }
    }

    /// The same images with labels `label` of theirs.
    pub(crate) fn map_labels(&self, label: impl Fn(u16) -> u16) -> Self {
        let labels = self.labels.as_ref();
        let labels = labels.map(|labels| labels.iter().map(|&of| label(of)).collect());
        Self { labels, ..self.clone() }
    }

    /// A split of images in memory.
    ///
    /// `bytes` holds records of `3 * height * width` bytes (red, green, blue plane; pixels in
    /// `order`), one after the other; `labels` are 0-based, one a record.
    ///
    /// # Panics
    /// If `bytes` is not whole records or the labels differ from them in number.
    pub fn in_memory(
        bytes: Vec<u8>,
        labels: Option<Vec<u16>>,
        width: usize,
        height: usize,
        order: PixelOrder,
    ) -> Self {
        Self::shared(Arc::new(bytes), labels, width, height, order)
    }

    /// A split of images in memory of another owner, which is borrowed as long as the split or a
    /// part of it is there. Else as [`in_memory`](Self::in_memory).
    ///
    /// # Panics
    /// If `bytes` is not whole records or the labels differ from them in number.
    pub fn shared(
        bytes: SharedBytes,
        labels: Option<Vec<u16>>,
        width: usize,
        height: usize,
        order: PixelOrder,
    ) -> Self {
        let (stride, length) = (3 * width * height, (*bytes).as_ref().len());
        assert!(
            stride > 0 && length.is_multiple_of(stride),
            "{length} bytes of 3 x {height} x {width}"
        );
        let count = length / stride;
        assert!(
            labels.as_ref().is_none_or(|labels| labels.len() == count),
            "{count} images, other number of labels"
        );
        let storage = Storage::InMemory(bytes);
        let chunks = vec![Chunk::new(storage, stride, count, order)];
        Self::new(chunks, labels.map(Into::into), (width, height))
    }

    /// The same images without their labels.
    pub fn without_labels(&self) -> Self {
        Self { labels: None, ..self.clone() }
    }

    /// The images at `indices`, in this order, with their labels. Bytes are not copied.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn select(&self, indices: &[u32]) -> Self {
        let mut chunks = Vec::<Chunk>::new();
        let mut last = None;
        for &index in indices {
            let (number, place) = self.locate(index as usize);
            match chunks.last_mut() {
                Some(chunk) if last == place.checked_sub(1).map(|place| (number, place)) => {
                    chunk.count += 1;
                }
                _ => {
                    let of = &self.chunks[number];
                    let offset = of.offset + place * of.stride;
                    chunks.push(Chunk { offset, count: 1, before: 0, ..of.clone() });
                }
            }
            last = Some((number, place));
        }
        let label = |labels: &Arc<[u16]>| indices.iter().map(|&i| labels[i as usize]).collect();
        let labels = self.labels.as_ref().map(label);
        Self::new(chunks, labels, (self.width, self.height))
    }

    /// Whether `other` shares its bytes, as `unlabeled` does with `train` in a dataset without
    /// unlabeled images.
    pub fn same_images(&self, other: &Self) -> bool {
        self.chunks.len() == other.chunks.len()
            && self.chunks.iter().zip(&*other.chunks).all(|(a, b)| {
                a.storage.is_same(&b.storage)
                    && (a.offset, a.stride, a.count) == (b.offset, b.stride, b.count)
            })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        let last = self.chunks.last();
        last.map_or(0, |chunk| chunk.before + chunk.count)
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

    /// What tells whether the mapped files are as they were: path, length and time of change of
    /// each, and the places of the images in them; `None` for images in memory.
    pub(crate) fn storage_stamp(&self) -> Option<Vec<u8>> {
        let mut stamp = Vec::new();
        for chunk in &*self.chunks {
            let Storage::Mapped(map) = &chunk.storage else { return None };
            stamp.extend(map.place()?.as_os_str().as_encoded_bytes());
            stamp.extend(map.stamp()?);
            for number in [chunk.offset, chunk.stride, chunk.count] {
                stamp.extend((number as u64).to_le_bytes());
            }
        }
        Some(stamp)
    }

    /// At most `count` indices, evenly spaced over the images.
    pub fn evenly_spaced(&self, count: usize) -> Vec<usize> {
        let (images, count) = (self.len(), count.min(self.len()));
        (0..count).map(|i| i * images / count).collect()
    }

    /// 0-based labels, one an image; `None` if unlabeled.
    pub fn labels(&self) -> Option<&[u16]> {
        self.labels.as_deref()
    }

    /// The file name of the image at `index`, if known: its path relative to the dataset's folder,
    /// with control characters and invalid UTF-8 replaced. In a dataset of several folders it
    /// begins with the folder's name.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn name(&self, index: usize) -> Option<Cow<'_, str>> {
        let (number, place) = self.locate(index);
        let chunk = &self.chunks[number];
        let name = chunk.names.as_deref()?.get(chunk.offset / chunk.stride + place);
        Some(match &chunk.set_name {
            Some(set_name) => format!("{set_name}/{name}").into(),
            None => name,
        })
    }

    /// The image at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> Image<'_> {
        let (number, place) = self.locate(index);
        let chunk = &self.chunks[number];
        let start = chunk.offset + place * chunk.stride;
        let length = 3 * self.width * self.height;
        let bytes = match &chunk.storage {
            Storage::Mapped(map) => map.slice(start, length),
            Storage::InMemory(bytes) => &(**bytes).as_ref()[start..start + length],
            Storage::Listed(_) => panic!("image {index} is not decoded yet"),
        };
        Image { bytes, width: self.width, height: self.height, order: chunk.order }
    }

    /// What training views of the image at `index` are cut from, by the [`Store`](crate::Store)
    /// that the set was opened with: the image itself, or the whole one of which it is the center.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn whole_image(&self, index: usize) -> WholeImage<'_> {
        let (number, place) = self.locate(index);
        let chunk = &self.chunks[number];
        match &chunk.whole {
            Some(whole) => whole.get(chunk.record(place)),
            None => WholeImage::Decoded(self.image(index)),
        }
    }

    /// The store that [`whole_image`](Self::whole_image) reads.
    pub fn store(&self) -> Store {
        match self.chunks.iter().find_map(|chunk| chunk.whole.as_deref()) {
            None => Store::Square,
            Some(WholeImages::Stored(_)) => Store::Aspect,
            Some(WholeImages::Encoded(_)) => Store::Encoded,
        }
    }

    /// Checks that the mapped files have not changed since they were opened. If so, images read
    /// before this call are valid too; the loader checks after every batch.
    ///
    /// # Errors
    /// [`Error::Changed`] for a file whose length or modification time differs.
    pub fn check(&self) -> Result<(), Error> {
        let mut last: Option<&Arc<Mapping>> = None;
        for chunk in &*self.chunks {
            if let Storage::Mapped(map) = &chunk.storage
                && !last.is_some_and(|last| Arc::ptr_eq(last, map))
            {
                map.check()?;
                if let Some(whole) = &chunk.whole {
                    whole.check()?;
                }
                last = Some(map);
            }
        }
        Ok(())
    }

    /// The images' records by storage.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The chunk of an image, and its index in it.
    fn locate(&self, index: usize) -> (usize, usize) {
        assert!(index < self.len(), "image {index} of a split of {}", self.len());
        // A selection may have thousands of chunks.
        let number = self.chunks.partition_point(|chunk| chunk.before <= index) - 1;
        (number, index - self.chunks[number].before)
    }
}

/// A dataset: up to three splits of images of one size.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Kind of source, for logs: "STL-10 binaries", "image folder", ...
    pub kind: &'static str,
    /// Unlabeled images for pretraining; those of `train` if the source has none.
    pub unlabeled: Split,
    /// Labeled training images; `None` for a flat folder of images.
    pub train: Option<Split>,
    /// Labeled test images.
    pub test: Option<Split>,
    /// One name a class, in label order.
    pub class_names: Vec<String>,
    /// Predefined subsets of `train` (STL-10: ten folds of 1,000), 0-based indices.
    pub folds: Vec<Vec<u32>>,
}

impl Dataset {
    /// The splits by name: "unlabeled", then "train" and "test" if present.
    pub fn splits(&self) -> impl Iterator<Item = (&'static str, &Split)> {
        let all = [
            ("unlabeled", Some(&self.unlabeled)),
            ("train", self.train.as_ref()),
            ("test", self.test.as_ref()),
        ];
        all.into_iter().filter_map(|(name, split)| Some((name, split?)))
    }

    /// The store that training views are cut from.
    pub fn store(&self) -> Store {
        match (self.unlabeled.store(), &self.train) {
            (Store::Square, Some(train)) => train.store(),
            (store, _) => store,
        }
    }

    /// The split of a name, without the training images that stand for unlabeled ones.
    pub(crate) fn split(&self, name: &str) -> Option<&Split> {
        let shared = name == "unlabeled" && self.unlabeled_is_train();
        self.splits().find(|(of, _)| *of == name && !shared).map(|(_, split)| split)
    }

    /// Notes that the images of a split are the center squares of `whole`.
    pub(crate) fn add_whole_images(&mut self, name: &str, whole: WholeImages) {
        let whole = Arc::new(whole);
        let shared = name == "train" && self.unlabeled_is_train();
        let splits = [
            (name == "unlabeled" || shared).then_some(&mut self.unlabeled),
            self.train.as_mut().filter(|_| name == "train"),
            self.test.as_mut().filter(|_| name == "test"),
        ];
        for split in splits.into_iter().flatten() {
            *split = split.with_whole_images(&whole);
        }
    }

    /// Whether `unlabeled` is `train`, because the source has no unlabeled images.
    pub fn unlabeled_is_train(&self) -> bool {
        let train = self.train.as_ref();
        train.is_some_and(|train| train.same_images(&self.unlabeled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_images_are_those_asked_for_in_runs_where_they_follow_each_other() {
        let bytes = (0..6u8).flat_map(|image| [image; 3]).collect();
        let labels = vec![5, 4, 3, 2, 1, 0];
        let whole = Split::in_memory(bytes, Some(labels), 1, 1, PixelOrder::RowMajor);
        let some = whole.select(&[4, 1, 2, 3, 0]);
        let images: Vec<u8> = (0..5).map(|index| some.image(index).bytes[0]).collect();
        assert_eq!(images, [4, 1, 2, 3, 0]);
        assert_eq!(some.labels(), Some(&[1, 4, 3, 2, 5][..]));
        let counts: Vec<usize> = some.chunks.iter().map(|chunk| chunk.count).collect();
        assert_eq!(counts, [1, 3, 1]);
        // Of what was selected, too; runs end where chunks do.
        let fewer = some.without_labels().select(&[0, 1, 2, 4]);
        let images: Vec<u8> = (0..4).map(|index| fewer.image(index).bytes[0]).collect();
        assert_eq!((images, fewer.labels()), (vec![4, 1, 2, 0], None));
        assert!(whole.select(&[]).is_empty());
    }

    #[test]
    fn shared_bytes_are_borrowed_until_the_last_part_is_gone() {
        let bytes = Arc::new(vec![7u8; 6]);
        let split = Split::shared(bytes.clone(), None, 1, 1, PixelOrder::RowMajor);
        let part = split.select(&[1]);
        assert_eq!(part.image(0).bytes.as_ptr(), bytes[3..].as_ptr());
        assert!(split.clone().same_images(&split) && !split.same_images(&part));
        drop(split);
        assert_eq!(Arc::strong_count(&bytes), 2);
        drop(part);
        assert_eq!(Arc::strong_count(&bytes), 1);
    }

    #[test]
    #[should_panic(expected = "image 2 of a split of 2")]
    fn an_image_that_is_not_there_can_not_be_selected() {
        let split = Split::in_memory(vec![0; 6], None, 1, 1, PixelOrder::RowMajor);
        split.select(&[1, 2]);
    }
}
