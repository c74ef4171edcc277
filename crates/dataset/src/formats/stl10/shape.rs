//! `shape.json`: image size, pixel order and number of classes of the binaries.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, PixelOrder};

const FILE: &str = "shape.json";
/// Beyond any image this crate is for; keeps products of sizes far from overflow.
const MAX_SIDE: usize = 1 << 15;
/// Labels in files begin at 1 and have at most two bytes.
const MAX_CLASSES: usize = (1 << 16) - 1;

/// Size of the images and number of classes of a folder of binaries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub classes: usize,
    /// Bytes of one label: 1, or 2 (little endian) for more than 255 classes.
    #[serde(default = "one")]
    pub label_bytes: usize,
    #[serde(default)]
    pub pixel_order: Order,
    /// Images of each split, so that a cut file is noticed even where it ends with a whole image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabeled: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Whether the training images serve as unlabeled ones, so that a copy of the set is the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlabeled_is_train: bool,
}

/// [`PixelOrder`] by its name in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    #[default]
    ColumnMajor,
    RowMajor,
}

fn one() -> usize {
    1
}

impl Shape {
    /// A set of `classes` classes without images yet.
    pub fn new(width: usize, height: usize, classes: usize, pixel_order: Order) -> Self {
        let label_bytes = if classes > 255 { 2 } else { 1 };
        let (unlabeled, train, test) = (None, None, None);
        Self {
            width,
            height,
            channels: 3,
            classes,
            label_bytes,
            pixel_order,
            unlabeled,
            train,
            test,
            unlabeled_is_train: false,
        }
    }

    /// The shape beside the binaries in `dir`, or STL-10's own: 96 x 96 pixels, 10 classes.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let Some(text) = files::if_exists(files::read_text(&path))? else {
            return Ok(Self::new(96, 96, 10, Order::ColumnMajor));
        };
        let shape: Self = serde_json::from_str(&text).map_err(|error| Error::Text {
            path: path.clone(),
            expected: "width, height, channels and classes of the images as JSON".into(),
            found: error.to_string(),
        })?;
        shape.check(&path)?;
        Ok(shape)
    }

    /// Writes the shape into `dir`.
    pub fn write(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join(FILE);
        let mut text = serde_json::to_string_pretty(self).expect("plain numbers and names");
        text.push('\n');
        fs::write(&path, text).map_err(Error::io(&path, "write"))
    }

    /// Bytes of one image.
    pub fn image_bytes(&self) -> usize {
        self.channels * self.width * self.height
    }

    /// The images that a split should have, where the file says so.
    pub fn count(&self, split: &str) -> Option<usize> {
        match split {
            "unlabeled" => self.unlabeled,
            "train" => self.train,
            _ => self.test,
        }
    }

    /// Notes the images of a split.
    pub fn set_count(&mut self, split: &str, images: usize) {
        match split {
            "unlabeled" => self.unlabeled = Some(images),
            "train" => self.train = Some(images),
            _ => self.test = Some(images),
        }
    }

    fn check(&self, path: &Path) -> Result<(), Error> {
        let least_label_bytes = if self.classes > 255 { 2 } else { 1 };
        for (name, value, low, high) in [
            ("width", self.width, 1, MAX_SIDE),
            ("height", self.height, 1, MAX_SIDE),
            ("channels", self.channels, 3, 3),
            ("classes", self.classes, 0, MAX_CLASSES),
            ("label_bytes", self.label_bytes, least_label_bytes, 2),
        ] {
            if !(low..=high).contains(&value) {
                let expected = if low == high {
                    format!("{name} {low}")
                } else {
                    format!("{name} from {low} to {high}")
                };
                return Err(Error::Text {
                    path: path.to_path_buf(),
                    expected,
                    found: value.to_string(),
                });
            }
        }
        Ok(())
    }
}

impl From<Order> for PixelOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::ColumnMajor => Self::ColumnMajor,
            Order::RowMajor => Self::RowMajor,
        }
    }
}
