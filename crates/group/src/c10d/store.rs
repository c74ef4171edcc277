//! c10d's store, by which processes find each other.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::time::Duration;

use super::ffi::{
    RawStore, c_text, group_prepare, group_store_free, group_store_get, group_store_has,
    group_store_port, group_store_set, group_store_tcp, last_error, millis,
};

/// Keys and values that all processes see.
pub(crate) struct Store(NonNull<RawStore>);

impl Store {
    /// For a group, which it outlives.
    pub(super) fn as_ptr(&self) -> *mut RawStore {
        self.0.as_ptr()
    }

    /// The server at `port` of `host`: this process with `listen`, where port 0 is a free one, or
    /// another one.
    pub fn open(host: &str, port: u16, listen: bool, timeout: Duration) -> Result<Self, String> {
        // SAFETY: changes settings of c10d, once.
        unsafe { group_prepare() };
        let host = c_text(host);
        // SAFETY: the string outlives the call.
        let raw =
            unsafe { group_store_tcp(host.as_ptr(), port, c_int::from(listen), millis(timeout)) };
        NonNull::new(raw).map(Self).ok_or_else(last_error)
    }

    /// The port of its server.
    pub fn port(&self) -> u16 {
        // SAFETY: an open store.
        unsafe { group_store_port(self.0.as_ptr()) }
    }

    pub fn set(&self, key: &str, value: &str) -> Result<(), String> {
        let (key, length) = (c_text(key), value.len() as u64);
        // SAFETY: key and value outlive the call.
        let set = unsafe { group_store_set(self.0.as_ptr(), key.as_ptr(), value.as_ptr(), length) };
        if set == 0 { Ok(()) } else { Err(last_error()) }
    }

    /// Whether somebody has set it.
    pub fn has(&self, key: &str) -> Result<bool, String> {
        let key = c_text(key);
        // SAFETY: the key outlives the call.
        let has = unsafe { group_store_has(self.0.as_ptr(), key.as_ptr()) };
        if has < 0 { Err(last_error()) } else { Ok(has > 0) }
    }

    /// The value, once somebody has set it.
    pub fn get(&self, key: &str) -> Result<String, String> {
        let (key, mut bytes) = (c_text(key), [0u8; 256]);
        let room = bytes.len() as u64;
        // SAFETY: there is as much room as it is told.
        let length =
            unsafe { group_store_get(self.0.as_ptr(), key.as_ptr(), bytes.as_mut_ptr(), room) };
        let length = usize::try_from(length).map_err(|_| last_error())?;
        Ok(String::from_utf8_lossy(&bytes[..length.min(bytes.len())]).into_owned())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: nothing else has it.
        unsafe { group_store_free(self.0.as_ptr()) }
    }
}
