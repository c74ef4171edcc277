//! Which rank this process is, by its environment: what it may say is known before the ranks meet.

use std::sync::OnceLock;

use group::Launch;

/// Tells a process that the launcher started it.
pub const LAUNCHED: &str = "TWINVIEW_LAUNCHED";

/// The rank of this process where it isn't the first.
static OTHER: OnceLock<usize> = OnceLock::new();

/// Whether this process was started by `--ranks` of another.
pub fn is_launched() -> bool {
    std::env::var_os(LAUNCHED).is_some()
}

/// Notes by the launcher's variables whether this process isn't the first of several, which alone
/// speaks. What is wrong with them is said when the ranks join.
pub fn note_other() {
    if let Ok(Some(launch)) = Launch::from_env()
        && launch.rank > 0
    {
        let _ = OTHER.set(launch.rank);
    }
}

/// The rank of this process, unless it is the first or the only one.
pub fn other() -> Option<usize> {
    OTHER.get().copied()
}
