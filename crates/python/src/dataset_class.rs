//! Image sets: opened from files, or borrowed from arrays.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use dataset::{FolderLabels, OpenOptions, PixelOrder, Store};
use pyo3::exceptions::{PyIndexError, PyRuntimeError};
use pyo3::prelude::*;
use rayon::ThreadPoolBuilder;

use crate::array::Array;
use crate::error::{of_dataset, unexpected, value_error};
use crate::source;

/// How often waiting stops to look for Ctrl-C.
pub const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// Images of one size with optional labels.
#[pyclass(frozen, module = "twinview")]
pub struct Split {
    split: dataset::Split,
}

impl Split {
    /// The split.
    pub fn inner(&self) -> &dataset::Split {
        &self.split
    }
}

#[pymethods]
impl Split {
    fn __len__(&self) -> usize {
        self.split.len()
    }

    /// Height and width of every image in pixels.
    #[getter]
    fn image_size(&self) -> (usize, usize) {
        (self.split.height(), self.split.width())
    }

    /// The classes, int64 `[N]`, 0-based; None if unlabeled.
    #[getter]
    fn labels(&self) -> Option<Array> {
        let labels = self.split.labels()?;
        Some(Array::of_numbers(labels.iter().map(|&label| i64::from(label)).collect()))
    }

    /// A copy of image `index`, uint8 `[3, H, W]`.
    fn __getitem__(&self, index: isize) -> PyResult<Array> {
        let index = self.place(index)?;
        let mut scratch = Vec::new();
        let bytes = self.split.image(index).row_major(&mut scratch).to_vec();
        Ok(Array::of_bytes(bytes, &[3, self.split.height(), self.split.width()]))
    }

    /// The file name of image `index`; None if it is not known.
    fn name(&self, index: isize) -> PyResult<Option<String>> {
        Ok(self.split.name(self.place(index)?).map(|name| name.into_owned()))
    }

    fn __repr__(&self) -> String {
        let (height, width) = self.image_size();
        let labels = if self.split.labels().is_some() { ", labeled" } else { "" };
        format!("twinview.Split({} images of {height}x{width}{labels})", self.split.len())
    }
}

impl Split {
    fn place(&self, index: isize) -> PyResult<usize> {
        let count = self.split.len();
        let place = if index < 0 { index + count as isize } else { index };
        usize::try_from(place)
            .ok()
            .filter(|place| *place < count)
            .ok_or_else(|| PyIndexError::new_err(format!("image {index} of a split of {count}")))
    }
}

/// An image set: up to three splits of images of one size.
#[pyclass(frozen, module = "twinview")]
pub struct Dataset {
    set: dataset::Dataset,
}

impl Dataset {
    /// The set.
    pub fn inner(&self) -> &dataset::Dataset {
        &self.set
    }
}

#[pymethods]
impl Dataset {
    /// Kind of source: "STL-10 binaries", "image folder", ...
    #[getter]
    fn kind(&self) -> &'static str {
        self.set.kind
    }

    /// Unlabeled images; those of `train` if the source has none.
    #[getter]
    fn unlabeled(&self) -> Split {
        Split { split: self.set.unlabeled.clone() }
    }

    /// Labeled training images, or None.
    #[getter]
    fn train(&self) -> Option<Split> {
        self.set.train.clone().map(|split| Split { split })
    }

    /// Labeled test images, or None.
    #[getter]
    fn test(&self) -> Option<Split> {
        self.set.test.clone().map(|split| Split { split })
    }

    /// One name a class, in label order.
    #[getter]
    fn class_names(&self) -> Vec<String> {
        self.set.class_names.clone()
    }

    fn __repr__(&self) -> String {
        let splits: Vec<String> =
            self.set.splits().map(|(name, split)| format!("{name}: {}", split.len())).collect();
        format!("twinview.Dataset({}, {})", self.set.kind, splits.join(", "))
    }
}

/// Opens a folder of images, archives, or STL-10 or CIFAR-10 binaries.
///
/// Images of a folder are resized to `image_size` pixels (shorter side, then center crop) and
/// cached, which takes a while the first time. `labels` is a CSV file, "folders" (each is a class),
/// "none", or, as if missing, "auto": class folders where there are such. `store` is what a
/// `Loader` takes crops from: "square", "aspect" (whole images, the shorter side reduced to twice
/// `image_size`) or "encoded" (whole images, decoded from their files each time).
#[pyfunction]
#[pyo3(signature = (
    path, *, image_size=96, labels=None, cache_dir=None, skip_bad=false, store="square"
))]
pub fn open(
    py: Python<'_>,
    path: PathBuf,
    image_size: usize,
    labels: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    skip_bad: bool,
    store: &str,
) -> PyResult<Dataset> {
    let stores = [Store::Square, Store::Aspect, Store::Encoded];
    let Some(store) = stores.into_iter().find(|of| of.name() == store) else {
        return Err(unexpected("store", "square, aspect or encoded", store));
    };
    let (sender, mut receiver) = mpsc::channel();
    let work = move || {
        let ignore = |_: &str| {};
        let options = OpenOptions {
            image_size,
            store,
            labels: labels.map_or(FolderLabels::Auto, FolderLabels::of_argument),
            cache_dir,
            progress: dataset::GO_ON,
            left_out: skip_bad.then_some(&ignore),
        };
        // Threads of its own: a pool for the whole process would not be there after a fork.
        let pool = ThreadPoolBuilder::new().build();
        let opened = pool.map(|pool| pool.install(|| dataset::open(&path, &options)));
        // Nobody waits any more after Ctrl-C.
        let _ = sender.send(opened);
    };
    let thread = thread::Builder::new().name("twinview-open".to_owned()).spawn(work);
    thread.map_err(|error| PyRuntimeError::new_err(format!("cannot start a thread: {error}")))?;
    let opened = loop {
        let receiver = &mut receiver;
        match py.detach(move || receiver.recv_timeout(SIGNAL_INTERVAL)) {
            Ok(opened) => break opened,
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the thread that opened the set failed"));
            }
        }
    };
    let opened = opened
        .map_err(|error| PyRuntimeError::new_err(format!("cannot start threads: {error}")))?;
    Ok(Dataset { set: opened.map_err(|error| of_dataset(&error))? })
}

/// A split of the images of an array, uint8 `[N, 3, H, W]` in C order.
///
/// The array is borrowed, not copied, and must not change while the split or a loader of it is in
/// use. `labels` are N integers from 0 to 65535.
#[pyfunction]
#[pyo3(signature = (images, labels=None))]
pub fn from_array(images: &Bound<'_, PyAny>, labels: Option<&Bound<'_, PyAny>>) -> PyResult<Split> {
    let (array, [count, height, width]) = source::images("images", images)?;
    let labels = labels.map(|labels| classes(labels, count)).transpose()?;
    let split =
        dataset::Split::shared(Arc::new(array), labels, width, height, PixelOrder::RowMajor);
    Ok(Split { split })
}

fn classes(labels: &Bound<'_, PyAny>, count: usize) -> PyResult<Vec<u16>> {
    let list = match labels.hasattr("tolist")? {
        true => labels.call_method0("tolist")?,
        false => labels.clone(),
    };
    let list: Vec<i64> = list
        .extract()
        .map_err(|_| value_error("labels: expected a list of integers, found something else"))?;
    if list.len() != count {
        return Err(unexpected("labels", format_args!("{count}, one an image"), list.len()));
    }
    let class = |(place, &label): (usize, &i64)| {
        u16::try_from(label).map_err(|_| {
            let found = format!("{label} at position {place}");
            unexpected("labels", "integers from 0 to 65535", found)
        })
    };
    list.iter().enumerate().map(class).collect()
}
