//! What a process holds, read from `/proc`.

use std::fs;

/// Memory, files and threads of a process at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Resident memory.
    pub resident_kib: u64,
    /// Open files.
    pub files: usize,
    /// Threads.
    pub threads: u64,
}

impl Usage {
    /// Of the process with this number; none if it has ended.
    pub fn of(process: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let number = |key: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().trim_end_matches(" kB").parse().ok()
        };
        let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
        Some(Self { resident_kib: number("VmRSS:")?, files, threads: number("Threads:")? })
    }
}
