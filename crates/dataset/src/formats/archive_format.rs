//! Formats of archives, by the endings of their names.

use std::path::Path;

/// The formats of archives that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// Uncompressed.
    Tar,
    /// Members are stored or deflated.
    Zip,
    /// Images are the rows of a table.
    Parquet,
}

impl ArchiveFormat {
    /// The format that the ending of a name says.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "tar" => Some(Self::Tar),
            "zip" => Some(Self::Zip),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The format of the archive at `path`; `None` where there is no plain file of such a name.
    pub fn of_file(path: &Path) -> Option<Self> {
        Self::of(path).filter(|_| path.is_file())
    }

    /// What it is, in a few words.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Tar => "tar archive",
            Self::Zip => "zip archive",
            Self::Parquet => "Parquet file",
        }
    }
}
