//! File stamps: metadata by which a changed file is detected.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Length and time of change of a file. One that changes and keeps both is not noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStamp([u8; 24]);

impl FileStamp {
    /// The stamp of the file at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        Self::of_metadata(&fs::metadata(path)?)
    }

    pub fn of_metadata(metadata: &Metadata) -> io::Result<Self> {
        let modified = metadata.modified()?;
        let nanos = match modified.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        };
        let mut stamp = [0; 24];
        stamp[..8].copy_from_slice(&metadata.len().to_le_bytes());
        stamp[8..].copy_from_slice(&nanos.to_le_bytes());
        Ok(Self(stamp))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
