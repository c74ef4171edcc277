//! File formats, selected by the file's extension.

mod csv;
mod npy;
mod parquet;
mod safetensors;

pub(crate) use self::csv::Csv;
pub(crate) use self::npy::Npy;
pub(crate) use self::parquet::Parquet;
pub(crate) use self::safetensors::Safetensors;

use std::path::{Path, PathBuf};

use crate::Error;

/// A file format of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NumPy array of the features, `[images, features]` f32. The images' split, index, name,
    /// label, class and, if any, cluster go to a CSV file beside it, of the same name with `.csv`
    /// behind it.
    Npy,
    /// Apache Parquet: the columns of [`Csv`](Self::Csv), but the features as one column of lists.
    Parquet,
    /// Lines of text: split, index, name, label, class, if any cluster, and a column `f0`, `f1`,
    /// ... for each feature.
    Csv,
    /// Tensors `features` (f32), `labels` (i64, -1 for none), if any `clusters` (i64), and `split`
    /// (u8); names of splits and classes in the metadata.
    Safetensors,
}

const ALL: [(&str, Format); 4] = [
    ("npy", Format::Npy),
    ("parquet", Format::Parquet),
    ("csv", Format::Csv),
    ("safetensors", Format::Safetensors),
];

impl Format {
    /// The format for the extension of `path`; case does not matter.
    ///
    /// # Errors
    /// [`Error::Extension`].
    pub fn of(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let found = ALL.into_iter().find(|(name, _)| extension == *name);
        found.map(|(_, format)| format).ok_or_else(|| {
            let [a, b, c, d] = ALL.map(|(name, _)| name);
            Error::Extension {
                path: path.to_owned(),
                expected: format!(".{a}, .{b}, .{c} or .{d}"),
            }
        })
    }

    /// The files written for `path`: `path` itself and, for NumPy, the CSV file beside it.
    pub fn files(self, path: &Path) -> Vec<PathBuf> {
        let mut files = vec![path.to_owned()];
        if self == Self::Npy {
            let mut companion = path.as_os_str().to_owned();
            companion.push(".csv");
            files.push(companion.into());
        }
        files
    }
}
