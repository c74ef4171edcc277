//! `.cargo/libtorch.toml`: how a plain `cargo run` or `cargo test` finds libtorch.
//!
//! `[env]` tells the build of `torch-sys` where it is (a variable that the user has set wins), and
//! the run path that the linker writes into each binary tells the loader. Doc tests are linked by
//! rustdoc, which has flags of its own.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::Usage;

/// The file, from the top of the workspace.
pub const FILE: &str = ".cargo/libtorch.toml";

/// The `LIBTORCH` that the file sets.
pub fn recorded(root: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(root.join(FILE)).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("LIBTORCH = "))?;
    serde_json::from_str(value).ok()
}

/// Writes the file: `LIBTORCH`, where cargo is to set it, and the folder of the libraries, where
/// the loader does not look by itself. A file with this content is left alone: a change makes cargo
/// build everything anew.
pub fn write(root: &Path, libtorch: Option<&Path>, lib: Option<&Path>) -> anyhow::Result<()> {
    let mut text = String::new();
    if let Some(libtorch) = libtorch {
        text += &format!("[env]\nLIBTORCH = {}\n\n", quote("", libtorch)?);
    }
    if let Some(lib) = lib {
        let flag = quote("link-arg=-Wl,-rpath,", lib)?;
        text +=
            &format!("[build]\nrustflags = [\"-C\", {flag}]\nrustdocflags = [\"-C\", {flag}]\n");
    }
    let path = root.join(FILE);
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let partial = path.with_extension("toml.partial");
    fs::write(&partial, text)?;
    Ok(fs::rename(partial, path)?)
}

/// A string of JSON is one of TOML too. The linker takes a comma for the end of the path.
fn quote(before: &str, path: &Path) -> anyhow::Result<String> {
    match path.to_str() {
        Some(text) if !text.contains(',') => Ok(serde_json::to_string(&format!("{before}{text}"))?),
        _ => Err(Usage(format!(
            "cannot pass {path:?} to the linker: move libtorch to a path in UTF-8 without commas \
             (XDG_CACHE_HOME moves the cache)"
        ))
        .into()),
    }
}
