//! Checksums of files, in the lower-case hexadecimal form that checksum lists are printed in.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::Md5;
use sha2::{Digest, Sha256};

/// The SHA-256 of a file.
///
/// # Errors
/// Whatever reading the file fails with.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    of::<Sha256>(File::open(path)?)
}

/// The MD5 of a file, for what is published with no better checksum.
///
/// # Errors
/// Whatever reading the file fails with.
pub fn md5_of(path: &Path) -> io::Result<String> {
    of::<Md5>(File::open(path)?)
}

fn of<D: Digest>(mut source: impl Read) -> io::Result<String> {
    let mut digest = D::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            n => digest.update(&buffer[..n]),
        }
    }
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_test_vectors() {
        assert_eq!(of::<Md5>(&b"abc"[..]).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
        let digest = of::<Sha256>(&b"abc"[..]).unwrap();
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
