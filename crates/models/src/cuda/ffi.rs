//! The interface in C, as `shim.h` declares it.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::CudaError;

// SAFETY: as shim.h declares them.
unsafe extern "C" {
    fn cuda_error() -> *const c_char;
    pub(super) fn cuda_stream_new(gpu: c_int, id: *mut i64) -> c_int;
    pub(super) fn cuda_stream_set(gpu: c_int, id: i64, before: *mut i64) -> c_int;
    pub(super) fn cuda_event_record(gpu: c_int, event: *mut *mut c_void) -> c_int;
    pub(super) fn cuda_event_block(event: *mut c_void, gpu: c_int) -> c_int;
    pub(super) fn cuda_event_is_done(event: *mut c_void, done: *mut c_int) -> c_int;
    pub(super) fn cuda_event_wait(event: *mut c_void) -> c_int;
    pub(super) fn cuda_event_free(event: *mut c_void, gpu: c_int);
    pub(super) fn cuda_record_stream(tensor: *mut c_void, gpu: c_int) -> c_int;
    pub(super) fn cuda_page_lock(pages: *mut c_void, length: usize) -> c_int;
    pub(super) fn cuda_page_unlock(pages: *mut c_void) -> c_int;
    pub(super) fn cuda_peak_memory(gpu: c_int, bytes: *mut i64) -> c_int;
    pub(super) fn cuda_reset_peak_memory(gpu: c_int) -> c_int;
    pub(super) fn cuda_graph_begin(pool: *const u64, graph: *mut *mut c_void) -> c_int;
    pub(super) fn cuda_graph_end(graph: *mut c_void, pool: *mut u64) -> c_int;
    pub(super) fn cuda_graph_replay(graph: *mut c_void) -> c_int;
    pub(super) fn cuda_graph_free(graph: *mut c_void);
}

/// What an answer of the interface means.
pub(super) fn checked(answer: c_int) -> Result<(), CudaError> {
    if answer == 0 {
        return Ok(());
    }
    // SAFETY: a string that stays as it is until this thread's next failure.
    let text = unsafe { CStr::from_ptr(cuda_error()) }.to_string_lossy();
    let words: Vec<&str> = text.split_whitespace().collect();
    Err(CudaError(words.join(" ")))
}
