//! Files that grow by whole records.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;

/// A file that records are appended to. A record that can't be written whole, as on a full disk,
/// is not there at all.
#[derive(Debug)]
pub struct RecordLog {
    path: PathBuf,
    file: File,
}

impl RecordLog {
    /// Opens `path` to append to what is there, or creates it.
    ///
    /// # Errors
    /// If it can't be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self { path: path.to_owned(), file: file.map_err(Error::io(path, "open"))? })
    }

    /// Appends one record.
    ///
    /// # Errors
    /// If it can't be written; the file is then as it was.
    pub fn append(&mut self, record: &[u8]) -> Result<(), Error> {
        let failed = Error::io(&self.path, "write");
        let length = match self.file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => return Err(failed(error)),
        };
        self.file.write_all(record).map_err(|error| {
            // Remove the part that was written. Making a file shorter needs no room.
            let _ = self.file.set_len(length);
            failed(error)
        })
    }

    /// Waits until all records are on disk.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io(&self.path, "write"))
    }
}

#[cfg(test)]
mod tests;
