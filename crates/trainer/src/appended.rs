//! Files that grow by whole records.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;

/// A file that is appended to. A record that can't be written whole, as on a full disk, is not
/// there at all.
#[derive(Debug)]
pub struct RecordLog {
    path: PathBuf,
    file: File,
}

impl RecordLog {
    /// Opens `path` to append to what is there, or makes it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self { path: path.to_owned(), file: file.map_err(Error::io(path, "open it"))? })
    }

    /// Appends one record.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is then as it was.
    pub fn write(&mut self, record: &[u8]) -> Result<(), Error> {
        let failed = Error::io(&self.path, "write it");
        let length = match self.file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => return Err(failed(error)),
        };
        self.file.write_all(record).map_err(|error| {
            // What went to disk of the record goes again. Making a file shorter needs no room.
            let _ = self.file.set_len(length);
            failed(error)
        })
    }

    /// Waits until all records are on disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io(&self.path, "write it"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn records_follow_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "a\n").unwrap();
        let mut file = RecordLog::open(&path).unwrap();
        file.write(b"b\n").unwrap();
        file.sync().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error() {
        let mut file = RecordLog::open(Path::new("/dev/full")).unwrap();
        let error = file.write(b"record").unwrap_err().to_string();
        assert!(error.starts_with("/dev/full: can't write it: "), "{error}");
    }
}
