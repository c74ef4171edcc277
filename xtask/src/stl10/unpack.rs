//! Unpacks an archive of which every file is known, and refuses anything else.

use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context, bail};
use flate2::read::GzDecoder;
use fs_err::File;

use super::archive::{Archive, Member};

/// Unpacks the archive's files into `target`, an empty folder. An error when an entry is not one of
/// the expected files, or one of them is missing, of another size or of another content.
pub fn unpack(archive: &Archive, path: &Path, target: &Path) -> anyhow::Result<()> {
    let file = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut missing: Vec<&Member> = archive.members.iter().collect();
    // Raw: the long name of a GNU entry is not read into memory.
    for entry in tar::Archive::new(GzDecoder::new(file)).entries()?.raw(true) {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        let folder = kind.is_dir() && name.trim_end_matches('/') == archive.folder;
        if folder || kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
            continue;
        }
        if !kind.is_file() {
            bail!("{name:?} is a {kind:?} entry, expected plain files only");
        }
        // Only known names get past this: none leads out of the folder or comes twice.
        let inside = name.strip_prefix(archive.folder).and_then(|rest| rest.strip_prefix('/'));
        let known = missing.iter().position(|member| inside == Some(member.name));
        let member =
            missing.swap_remove(known.with_context(|| format!("unexpected file {name:?}"))?);
        member.check_size(&name, entry.size())?;
        let mut file = File::create_new(target.join(member.name))?;
        io::copy(&mut entry, &mut file).with_context(|| format!("cannot write {name}"))?;
    }
    archive.check(target)
}
