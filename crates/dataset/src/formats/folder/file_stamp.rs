//! File stamps: metadata by which a changed file is detected.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

/// Length, time of change, device and inode of a file. One that changes and keeps all of them is
/// not noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileStamp {
    /// In bytes.
    pub length: u64,
    /// In nanoseconds since 1970.
    pub modified: i128,
    /// 0 where the system has none.
    device: u64,
    inode: u64,
}

impl FileStamp {
    /// The stamp of the file at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        Self::of_metadata(&fs::metadata(path)?)
    }

    pub fn of_metadata(metadata: &Metadata) -> io::Result<Self> {
        let modified = metadata.modified()?;
        let modified = match modified.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        };
        #[cfg(unix)]
        let (device, inode) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (device, inode) = (0, 0);
        Ok(Self { length: metadata.len(), modified, device, inode })
    }

    /// The stamp of a member of the archive that has this one.
    pub fn of_member(self, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.inode.to_le_bytes());
        hash.update(name);
        let inode = u64::from_le_bytes(hash.finalize()[..8].try_into().expect("eight"));
        // 0 would say that there is none.
        Self { inode: inode.max(1), ..self }
    }

    /// Length and time, which a file keeps when it is moved to another disk.
    pub fn content_bytes(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..].copy_from_slice(&self.modified.to_le_bytes());
        bytes
    }

    pub fn has_inode(&self) -> bool {
        self.inode != 0
    }

    pub fn to_bytes(self) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..24].copy_from_slice(&self.content_bytes());
        bytes[24..32].copy_from_slice(&self.device.to_le_bytes());
        bytes[32..].copy_from_slice(&self.inode.to_le_bytes());
        bytes
    }

    pub fn of_bytes(bytes: &[u8; 40]) -> Self {
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
        Self {
            length: number(0),
            modified: i128::from_le_bytes(bytes[8..24].try_into().expect("sixteen")),
            device: number(24),
            inode: number(32),
        }
    }
}
