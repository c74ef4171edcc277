//! The user's cache folder.

use std::env;
use std::path::PathBuf;

/// `twinview/NAME` in the user's cache folder: that of `XDG_CACHE_HOME`, or else `~/.cache`;
/// `None` where the environment has neither it nor a home.
pub fn cache_dir(name: &str) -> Option<PathBuf> {
    let absolute =
        |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .or_else(|| absolute("LOCALAPPDATA"))?;
    Some(cache.join("twinview").join(name))
}
