//! Errors of reading and writing image sets. A message is one line: "path: expected X, found Y".

use std::io;
use std::path::{Path, PathBuf};

use files::OneLine;

/// Why an image set could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such file or folder.
    #[error("{}: expected {expected}, found no such file or folder", OneLine(.path))]
    Missing {
        /// What is not there.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// A path that names something else than a folder.
    #[error("{}: expected a folder, found a file", OneLine(.path))]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A path that names neither a folder nor an archive.
    #[error("{}: expected a folder or an archive (.tar, .zip, .parquet), found another file", OneLine(.path))]
    NotASet {
        /// The path.
        path: PathBuf,
    },
    /// A folder without images, or without the class folders that should be in it.
    #[error("{}: expected {}, found {}", OneLine(.path), OneLine(.expected), OneLine(.found))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// A binary file whose length does not fit its image size or image count.
    #[error("{}: expected {expected}, found {found_bytes} bytes", OneLine(.path))]
    Length {
        /// The file.
        path: PathBuf,
        /// The lengths that would do.
        expected: String,
        /// Its length in bytes.
        found_bytes: u64,
    },
    /// Images and labels of one split that differ in number.
    #[error("{}: expected {expected} labels, one for each image of {images}, found {found}", OneLine(.path))]
    LabelCount {
        /// The label file.
        path: PathBuf,
        /// The file of images beside it.
        images: String,
        /// Number of images.
        expected: usize,
        /// Number of labels.
        found: usize,
    },
    /// A label outside the classes.
    #[error("{}: expected labels {first} to {last}, found {found} at position {position}", OneLine(.path))]
    Label {
        /// The label file.
        path: PathBuf,
        /// 0-based place of the label in its file.
        position: usize,
        /// The smallest label that would do, as written in the file.
        first: usize,
        /// The largest.
        last: usize,
        /// The label in the file.
        found: usize,
    },
    /// A text file (class names, folds, shape) with other content than it should have.
    #[error("{}: expected {}, found {}", OneLine(.path), OneLine(.expected), OneLine(.found))]
    Text {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// An archive, or a member of one, that can't be used.
    #[error("{}: expected {expected}, found {}", OneLine(.path), OneLine(.found))]
    Archive {
        /// The archive, with the name of the member where it is about that.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A file of no format that is read.
    #[error("{}: expected a JPEG, PNG, WebP, TIFF, BMP, GIF or PNM image, found {found}", OneLine(.path))]
    NotAnImage {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// Files of a folder that can't be used.
    #[error("{}", unusable(*.files, .first))]
    Unusable {
        /// How many.
        files: usize,
        /// The error of the first.
        first: String,
        /// Whether the system failed each time, and no file is to blame.
        by_system: bool,
    },
    /// An image too small to learn from.
    #[error("{}: expected an image of at least {min} x {min} pixels, found {width} x {height}", OneLine(.path))]
    TooSmall {
        /// The file.
        path: PathBuf,
        /// The least width and height, in pixels.
        min: u32,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// An image that is cut off, damaged, or beyond the limits on size.
    #[error("{}: expected a whole {format} image, found {}", OneLine(.path), OneLine(.found))]
    Decode {
        /// The file.
        path: PathBuf,
        /// The format that its first bytes announce.
        format: &'static str,
        /// What the decoder says.
        found: String,
    },
    /// An image that there is no memory for.
    #[error("{}: expected an image that fits into memory, found {}", OneLine(.path), too_large(*.size, *.bytes, *.available))]
    Memory {
        /// The file.
        path: PathBuf,
        /// Its width and height in pixels, where these are known.
        size: Option<(u32, u32)>,
        /// The bytes that are needed.
        bytes: u64,
        /// The most that images may take; `None` where the system refused less.
        available: Option<u64>,
    },
    /// The system gives no threads.
    #[error("no threads to work on images with: {0}")]
    Threads(String),
    /// The job was stopped by whoever watches it.
    #[error("interrupted")]
    Interrupted,
    /// A file that changed while it was in use.
    #[error("{}: expected the file to stay as it was opened, found {found}", OneLine(.path))]
    Changed {
        /// The file.
        path: PathBuf,
        /// What it is now.
        found: String,
    },
    /// A folder to write to that already holds something.
    #[error("{}: expected a new or empty folder to write to, found one with files in it", OneLine(.path))]
    OutputExists {
        /// The folder.
        path: PathBuf,
    },
    /// A picture to write whose name says no format.
    #[error("{}: expected a name that ends in .png, .jpg, .jpeg or .webp", OneLine(.path))]
    PictureName {
        /// The file.
        path: PathBuf,
    },
    /// An option outside its range.
    #[error("{name}: expected {expected}, found {found}")]
    Argument {
        /// Name of the option.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", OneLine(.path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "read", "write", ...
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: an I/O error with its path and what was tried.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { path: path.to_path_buf(), action, source }
    }

    /// Whether the system failed, as a full or damaged disk does, and nothing that was given is to
    /// blame.
    pub fn is_of_system(&self) -> bool {
        match self {
            Self::Io { action: "write", .. } | Self::Memory { .. } | Self::Threads(_) => true,
            Self::Io { source, .. } => !files::is_of_path(source),
            Self::Unusable { by_system, .. } => *by_system,
            _ => false,
        }
    }
}

/// What an image takes, and what there is.
fn too_large(size: Option<(u32, u32)>, bytes: u64, available: Option<u64>) -> String {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let of = size.map_or(String::new(), |(width, height)| format!(" of {width} x {height} pixels"));
    let there = available.map_or_else(
        || "the system gives no more".to_owned(),
        |available| format!("images may take {} MiB", mib(available)),
    );
    format!("one{of} that takes {} MiB where {there}", mib(bytes))
}

/// One error as it is, of several the first.
fn unusable(files: usize, first: &str) -> String {
    match files {
        1 => first.to_owned(),
        files => format!("{files} files can't be used; the first: {first}"),
    }
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        let files::Error { path, action, source } = error;
        Self::Io { path, action, source }
    }
}

impl From<files::FolderError> for Error {
    fn from(error: files::FolderError) -> Self {
        match error {
            files::FolderError::Io(error) => error.into(),
            files::FolderError::NotAFolder { path } => Self::NotAFolder { path },
            files::FolderError::NotEmpty { path } => Self::OutputExists { path },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_in_a_name_stays_on_one_line() {
        let error = Error::NotAFolder { path: PathBuf::from("a\nb") };
        assert_eq!(error.to_string(), "a\\nb: expected a folder, found a file");
    }

    #[test]
    fn a_full_disk_is_no_mistake_of_whoever_asked() {
        let of_kind = |kind: io::ErrorKind, action| {
            Error::io(Path::new("a"), action)(kind.into()).is_of_system()
        };
        assert!(of_kind(io::ErrorKind::StorageFull, "read"));
        assert!(of_kind(io::ErrorKind::PermissionDenied, "write"));
        assert!(!of_kind(io::ErrorKind::PermissionDenied, "read"));
        let size = Some((20, 10));
        let memory = Error::Memory { path: "a".into(), size, bytes: 5 << 20, available: None };
        assert!(memory.is_of_system());
        assert_eq!(
            memory.to_string(),
            "a: expected an image that fits into memory, found one of 20 x 10 pixels that takes \
             5 MiB where the system gives no more"
        );
    }
}
