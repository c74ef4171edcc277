//! Unpacking an archive of which every file is known beforehand, and refusing anything else.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use flate2::read::GzDecoder;
use md5::{Digest, Md5};

use super::archive::{Archive, Member};
use crate::digest::hex;
use crate::scratch::Interruptible;

/// Unpacks the archive's files into `target`, an empty folder.
///
/// # Errors
/// When an entry is not one of the expected files, or one of them is missing, of another size or of
/// another content; when `target` can't be written.
pub fn unpack(archive: &Archive, path: &Path, target: &Path) -> anyhow::Result<()> {
    let file = File::open(path)?;
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::with_capacity(1 << 18, file)));
    let mut missing: Vec<&Member> = archive.members.iter().collect();
    // Raw: an entry that only tells of the next one, by a name of any length, is not taken into
    // memory.
    for entry in tar.entries()?.raw(true) {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
            continue;
        }
        if kind.is_dir() && name.trim_end_matches('/') == archive.folder {
            continue;
        }
        if !kind.is_file() {
            bail!("{name:?} is a {kind:?} entry, expected plain files only");
        }
        // Only known names get past this, so none can lead out of the folder or come twice.
        let member = name.strip_prefix(archive.folder).and_then(|rest| rest.strip_prefix('/'));
        let known = missing.iter().position(|known| member == Some(known.name));
        let Some(known) = known else { bail!("unexpected file {name:?}") };
        let member = missing.swap_remove(known);
        let (expected, size) = (member.size, entry.size());
        if !expected.fits(size) {
            bail!("{name}: expected {expected}, found {size}");
        }
        let path = target.join(member.name);
        let found = write(&mut Interruptible(&mut entry), size, &path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        if let Some(expected) = member.md5.filter(|expected| *expected != found) {
            bail!("{name}: expected MD5 {expected}, found {found}");
        }
    }
    match missing.first() {
        None => Ok(()),
        Some(member) => bail!("{}/{} is missing", archive.folder, member.name),
    }
}

/// Writes `size` bytes to a new file and hands back their MD5.
fn write(source: &mut impl Read, size: u64, path: &Path) -> io::Result<String> {
    let mut file = BufWriter::with_capacity(1 << 18, File::create_new(path)?);
    let mut digest = Md5::new();
    let mut buffer = vec![0; 1 << 17];
    let mut written = 0;
    loop {
        match source.read(&mut buffer)? {
            0 => break,
            n => {
                digest.update(&buffer[..n]);
                file.write_all(&buffer[..n])?;
                written += n as u64;
            }
        }
    }
    if written != size {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within it"));
    }
    file.flush()?;
    Ok(hex(&digest.finalize()))
}
