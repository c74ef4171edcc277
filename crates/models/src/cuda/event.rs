//! A point in what a GPU has to do.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::CudaError;
use super::ffi::{
    checked, cuda_event_block, cuda_event_free, cuda_event_is_done, cuda_event_record,
    cuda_event_wait,
};

/// Is reached once all that this thread had queued on a GPU's stream is done.
#[derive(Debug)]
pub struct CudaEvent {
    raw: *mut c_void,
    gpu: c_int,
}

impl CudaEvent {
    /// After what this thread has queued on the current stream of the GPU with this number.
    ///
    /// # Errors
    /// [`CudaError`], such as without CUDA.
    pub fn record(gpu: usize) -> Result<Self, CudaError> {
        let mut event = Self { raw: ptr::null_mut(), gpu: gpu as c_int };
        // SAFETY: it writes a new event, which `drop` frees.
        checked(unsafe { cuda_event_record(event.gpu, &raw mut event.raw) })?;
        Ok(event)
    }

    /// The number of its GPU.
    pub(super) fn gpu(&self) -> c_int {
        self.gpu
    }

    /// Has the current stream wait for it, not this thread.
    ///
    /// # Errors
    /// [`CudaError`], also that of what was queued before.
    pub fn block(&self) -> Result<(), CudaError> {
        // SAFETY: an event of `record`.
        checked(unsafe { cuda_event_block(self.raw, self.gpu) })
    }

    /// Whether it is reached.
    ///
    /// # Errors
    /// As [`block`](Self::block).
    pub fn is_done(&self) -> Result<bool, CudaError> {
        let mut done = 0;
        // SAFETY: an event of `record`.
        checked(unsafe { cuda_event_is_done(self.raw, &raw mut done) })?;
        Ok(done != 0)
    }

    /// Waits for it.
    ///
    /// # Errors
    /// As [`block`](Self::block).
    pub fn wait(&self) -> Result<(), CudaError> {
        // SAFETY: an event of `record`.
        checked(unsafe { cuda_event_wait(self.raw) })
    }
}

impl Drop for CudaEvent {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: an event of `record`, used no more.
            unsafe { cuda_event_free(self.raw, self.gpu) }
        }
    }
}
