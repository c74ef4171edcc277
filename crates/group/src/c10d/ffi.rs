//! The interface in C, as `c10d.h` declares it.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::time::Duration;

#[repr(C)]
pub(super) struct RawStore([u8; 0]);
#[repr(C)]
pub(super) struct RawGroup([u8; 0]);

// SAFETY: as c10d.h declares them.
unsafe extern "C" {
    pub(super) fn group_error() -> *const c_char;
    pub(super) fn group_prepare();
    pub(super) fn group_store_tcp(
        host: *const c_char,
        port: u16,
        listen: c_int,
        timeout_ms: i64,
    ) -> *mut RawStore;
    pub(super) fn group_store_set(
        store: *mut RawStore,
        key: *const c_char,
        bytes: *const u8,
        length: u64,
    ) -> c_int;
    pub(super) fn group_store_get(
        store: *mut RawStore,
        key: *const c_char,
        bytes: *mut u8,
        room: u64,
    ) -> i64;
    pub(super) fn group_store_has(store: *mut RawStore, key: *const c_char) -> c_int;
    pub(super) fn group_store_port(store: *mut RawStore) -> u16;
    pub(super) fn group_store_free(store: *mut RawStore);
    pub(super) fn group_gloo(
        store: *mut RawStore,
        rank: c_int,
        size: c_int,
        timeout_ms: i64,
        address: *const c_char,
    ) -> *mut RawGroup;
    pub(super) fn group_nccl(
        store: *mut RawStore,
        rank: c_int,
        size: c_int,
        timeout_ms: i64,
    ) -> *mut RawGroup;
    pub(super) fn group_nccl_loaded() -> c_int;
    pub(super) fn group_free(group: *mut RawGroup);
    pub(super) fn group_all_reduce(group: *mut RawGroup, tensor: *mut c_void) -> c_int;
    pub(super) fn group_broadcast(group: *mut RawGroup, tensor: *mut c_void, root: c_int) -> c_int;
    pub(super) fn group_all_gather(
        group: *mut RawGroup,
        out: *mut c_void,
        part: *mut c_void,
    ) -> c_int;
    pub(super) fn group_barrier(group: *mut RawGroup, timeout_ms: i64) -> c_int;
    pub(super) fn group_sync_batch_norm(
        group: *mut RawGroup,
        x: *mut c_void,
        weight: *mut c_void,
        bias: *mut c_void,
        stats: *mut c_void,
        epsilon: f64,
    ) -> *mut c_void;
    pub(super) fn group_failed(group: *mut RawGroup) -> c_int;
}

/// What c10d said last to this thread, on one line.
pub(super) fn last_error() -> String {
    // SAFETY: a string that stays as it is until this thread's next failure.
    let text = unsafe { CStr::from_ptr(group_error()) }.to_string_lossy();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Text as C reads it.
pub(super) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "")).expect("no zero byte")
}

/// Milliseconds as c10d counts them.
pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
