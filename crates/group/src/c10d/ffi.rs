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

#[cfg(test)]
mod tests {
    use super::*;

    /// c10d asks for the names of addresses, which would wait for a name server.
    #[test]
    fn no_name_server_is_asked_for_names() {
        // SAFETY: as the C library declares it, with pointers to what is passed here.
        unsafe extern "C" {
            fn getnameinfo(
                address: *const [u8; 16],
                length: u32,
                host: *mut [u8; 64],
                host_room: u32,
                service: *mut [u8; 64],
                service_room: u32,
                flags: i32,
            ) -> i32;
        }
        // SAFETY: changes settings of c10d, once.
        unsafe { group_prepare() };
        let mut address = [0, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        // AF_INET in the byte order of the machine.
        address[..2].copy_from_slice(&2u16.to_ne_bytes());
        let (mut host, mut service) = ([1u8; 64], [1u8; 64]);
        // SAFETY: a sockaddr_in, and as much room as it is told.
        let failed = unsafe { getnameinfo(&address, 16, &mut host, 64, &mut service, 64, 0) };
        assert_eq!(failed, 0);
        // The C library's would say localhost.
        assert!(host.starts_with(b"127.0.0.1\0"), "{host:?}");
        assert!(service.starts_with(b"8080\0"), "{service:?}");
    }
}
