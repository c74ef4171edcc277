//! Memory of images that are being decoded: limited over all threads, and asked for before it is
//! used, so that an image that is too large fails alone.
//!
//! Decoders allocate as they please, and what they can't have ends the program. So the bytes that
//! an image takes at most are reserved first. They count toward a limit of half of the memory that
//! the process may have; who exceeds it together with others waits for them. Of a large image the
//! bytes are also allocated once, and let go of, which tells whether the system gives them.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

/// Reservations from here on are tried.
const TRIED_BYTES: u64 = 4 << 20;

thread_local! {
    static MAY_FAIL: Cell<bool> = const { Cell::new(false) };
}

/// Whether the allocation under way in this thread may fail: a global allocator that ends the
/// program when there is no memory must then return null.
pub fn allocation_may_fail() -> bool {
    MAY_FAIL.try_with(Cell::get).unwrap_or(false)
}

/// An empty vector with room for `bytes`; `None` where there is no memory for it.
pub(crate) fn try_buffer(bytes: usize) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    MAY_FAIL.set(true);
    let reserved = buffer.try_reserve_exact(bytes);
    MAY_FAIL.set(false);
    // Else the compiler may leave out an allocation that is not used.
    reserved.is_ok().then(|| std::hint::black_box(buffer))
}

/// Why bytes can't be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// They exceed this limit.
    Limit(u64),
    /// The system doesn't give them.
    System,
}

/// What several threads reserve of.
#[derive(Debug)]
struct Pool {
    limit: u64,
    reserved: Mutex<u64>,
    released: Condvar,
}

/// That of the process.
static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new(memory_limit() / 2));

/// Bytes that an image may take, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    pool: &'static Pool,
    bytes: u64,
}

impl Reservation {
    /// Reserves `bytes`. Waits while others have so much that they don't fit.
    pub fn new(bytes: u64) -> Result<Self, Refused> {
        Self::of(&POOL, bytes, |bytes| {
            usize::try_from(bytes).is_ok_and(|bytes| try_buffer(bytes).is_some())
        })
    }

    fn of(pool: &'static Pool, bytes: u64, there: impl Fn(u64) -> bool) -> Result<Self, Refused> {
        if bytes > pool.limit {
            return Err(Refused::Limit(pool.limit));
        }
        let mut reserved = pool.lock();
        loop {
            let all = *reserved + bytes;
            // Others may not have allocated yet what they reserved.
            if all <= pool.limit && (bytes < TRIED_BYTES || there(all)) {
                *reserved = all;
                return Ok(Self { pool, bytes });
            }
            if *reserved == 0 {
                return Err(Refused::System);
            }
            reserved = pool.released.wait(reserved).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        *self.pool.lock() -= self.bytes;
        self.pool.released.notify_all();
    }
}

impl Pool {
    const fn new(limit: u64) -> Self {
        Self { limit, reserved: Mutex::new(0), released: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The most memory that this process may have: the machine's, or the limit of its control group or
/// of its addresses.
fn memory_limit() -> u64 {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let of_groups = group_files(&groups).into_iter().filter_map(|path| read(path.as_ref()));
    let texts = of_groups.filter_map(|text| text.trim().parse().ok());
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| machine_memory(&text));
    let addresses = read(Path::new("/proc/self/limits")).and_then(|text| address_limit(&text));
    texts.chain(machine).chain(addresses).min().unwrap_or(u64::MAX)
}

/// The files with the limits of the control groups in a `/proc/self/cgroup`, of both versions. In
/// a container the group may be seen as the root.
fn group_files(groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            of if of.split(',').any(|of| of == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let group = group.trim_end_matches('/');
        files.extend([format!("{root}{group}/{name}"), format!("{root}/{name}")]);
    }
    files
}

/// `MemTotal` of a `/proc/meminfo`, which is in KiB.
fn machine_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10)
}

/// The soft limit of addresses in a `/proc/self/limits`.
fn address_limit(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests;
