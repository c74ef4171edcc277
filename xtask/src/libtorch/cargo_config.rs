//! `.cargo/libtorch.toml`: how a plain `cargo run` or `cargo test` finds libtorch.
//!
//! `[env]` tells the build of `torch-sys` where it is (a variable that the user has set wins), and
//! the run path that the linker writes into each binary tells the loader. Doc tests are linked by
//! rustdoc, which has flags of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::Usage;

/// The file, from the top of the workspace.
pub const FILE: &str = ".cargo/libtorch.toml";

/// What the file should say: `LIBTORCH`, when it is for cargo to set, and the folder of the
/// libraries, when the loader does not look there by itself.
///
/// # Errors
/// [`Usage`] for a path that can't be passed on through cargo and the linker.
pub fn render(libtorch: Option<&Path>, lib: Option<&Path>) -> Result<String, Usage> {
    let mut text = String::new();
    if let Some(libtorch) = libtorch {
        text += &format!("[env]\nLIBTORCH = {}\n\n", quote(checked(libtorch)?));
    }
    if let Some(lib) = lib {
        let flag = quote(&format!("link-arg=-Wl,-rpath,{}", checked(lib)?));
        text +=
            &format!("[build]\nrustflags = [\"-C\", {flag}]\nrustdocflags = [\"-C\", {flag}]\n");
    }
    Ok(text)
}

/// The `LIBTORCH` that a file written by [`render`] sets.
pub fn recorded(root: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(root.join(FILE)).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("LIBTORCH = "))?;
    let value = value.strip_prefix('"')?.strip_suffix('"')?;
    Some(value.replace("\\\"", "\"").into())
}

/// Writes the file, unless it says the same already: a change makes cargo build everything anew.
///
/// # Errors
/// When it can't be written.
pub fn write(root: &Path, text: &str) -> anyhow::Result<()> {
    let path = root.join(FILE);
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let partial = path.with_extension("toml.partial");
    let written: io::Result<()> =
        fs::write(&partial, text).and_then(|()| fs::rename(&partial, &path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// The linker takes a comma for the end of the path, and neither format can carry other odd
/// characters.
fn checked(path: &Path) -> Result<&str, Usage> {
    let text = path.to_str().filter(|text| !text.contains([',', '\\', '\n', '\r', '\t']));
    text.ok_or_else(|| {
        Usage(format!(
            "cannot pass {path:?} through cargo to the linker: move libtorch to a path in UTF-8 \
             without commas and backslashes (XDG_CACHE_HOME moves the cache)"
        ))
    })
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_cargo_reads() {
        let text = render(Some(Path::new("/a b")), Some(Path::new("/a b/lib"))).unwrap();
        assert_eq!(
            text,
            "[env]\nLIBTORCH = \"/a b\"\n\n[build]\n\
             rustflags = [\"-C\", \"link-arg=-Wl,-rpath,/a b/lib\"]\n\
             rustdocflags = [\"-C\", \"link-arg=-Wl,-rpath,/a b/lib\"]\n"
        );
        assert_eq!(render(None, None).unwrap(), "");
        assert!(render(None, Some(Path::new("/a,b"))).unwrap_err().0.contains("/a,b"));
    }

    #[test]
    fn written_only_when_changed_and_read_back() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".cargo")).unwrap();
        let file = root.path().join(FILE);
        let odd = Path::new("/odd \" name");
        write(root.path(), &render(Some(odd), None).unwrap()).unwrap();
        assert_eq!(recorded(root.path()).as_deref(), Some(odd));

        let first = fs::metadata(&file).unwrap().modified().unwrap();
        write(root.path(), &render(Some(odd), None).unwrap()).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), first);
        write(root.path(), "").unwrap();
        assert_eq!(recorded(root.path()), None);
        assert_eq!(fs::read_dir(root.path().join(".cargo")).unwrap().count(), 1);
    }
}
