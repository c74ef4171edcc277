//! What is known of a published archive before it is fetched.

use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, ensure};
use fs_err::{self as fs, File};
use sha2::{Digest, Sha256};

/// A published archive.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Where its authors publish it.
    pub url: &'static str,
    /// Size of the compressed archive.
    pub bytes: u64,
    /// SHA-256 of the compressed archive, in hexadecimal.
    pub sha256: &'static str,
    /// The one folder in it.
    pub folder: &'static str,
    /// Every file in that folder.
    pub members: &'static [Member],
}

/// A file in an archive.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub name: &'static str,
    /// Its size; where `md5` is none, the largest that is accepted.
    pub bytes: u64,
    /// None where the authors publish none.
    pub md5: Option<&'static str>,
}

impl Member {
    /// An error that begins with `path` if the size is wrong.
    pub fn check_size(&self, path: &str, found: u64) -> anyhow::Result<()> {
        let fits = found == self.bytes || found < self.bytes && self.md5.is_none();
        let most = if self.md5.is_some() { "" } else { "at most " };
        ensure!(fits, "{path}: expected {most}{} bytes, found {found}", self.bytes);
        Ok(())
    }
}

impl Archive {
    /// An error if a file of the unpacked archive is missing or wrong.
    pub fn check(&self, folder: &Path) -> anyhow::Result<()> {
        for member in self.members {
            let path = folder.join(member.name);
            let name = path.display().to_string();
            let metadata =
                fs::metadata(&path).ok().with_context(|| format!("{name} is missing"))?;
            member.check_size(&name, metadata.len())?;
            if let Some(expected) = member.md5 {
                let found = md5_of(&path)?;
                ensure!(found == expected, "{name}: expected MD5 {expected}, found {found}");
            }
        }
        Ok(())
    }
}

/// The MD5 of a file, in hexadecimal.
pub fn md5_of(path: &Path) -> io::Result<String> {
    let mut md5 = md5::Context::new();
    read(path, |bytes| md5.consume(bytes))?;
    Ok(format!("{:x}", md5.finalize()))
}

/// The SHA-256 of a file, in hexadecimal.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let mut sha256 = Sha256::new();
    read(path, |bytes| sha256.update(bytes))?;
    Ok(sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Hands over the content of a file, piece by piece.
fn read(path: &Path, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            bytes => take(&buffer[..bytes]),
        }
    }
}

const IMAGE_BYTES: u64 = 96 * 96 * 3;

/// STL-10, by Coates, Lee and Ng.
pub const STL10: Archive = Archive {
    url: "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    bytes: 2_640_397_119,
    // As in the checksums of TensorFlow Datasets. The authors publish an MD5, which is no
    // protection from who could change the file.
    sha256: "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
    folder: "stl10_binary",
    members: &[
        member("train_X.bin", 5_000 * IMAGE_BYTES, "918c2871b30a85fa023e0c44e0bee87f"),
        member("train_y.bin", 5_000, "5a34089d4802c674881badbb80307741"),
        member("unlabeled_X.bin", 100_000 * IMAGE_BYTES, "5242ba1fed5e4be9e1e742405eb56ca4"),
        member("test_X.bin", 8_000 * IMAGE_BYTES, "7f263ba9f9e0b06b93213547f721ac82"),
        member("test_y.bin", 8_000, "36f9794fa4beb8a2c72628de14fa638e"),
        Member { name: "class_names.txt", bytes: 1 << 10, md5: None },
        Member { name: "fold_indices.txt", bytes: 1 << 20, md5: None },
    ],
};

const fn member(name: &'static str, bytes: u64, md5: &'static str) -> Member {
    Member { name, bytes, md5: Some(md5) }
}
