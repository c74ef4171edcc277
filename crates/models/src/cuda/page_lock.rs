//! Memory that a GPU reads without a copy by the processor.

use std::ffi::c_void;

use super::CudaError;
use super::ffi::{checked, cuda_page_lock, cuda_page_unlock};

/// Keeps pages where they are in memory until it is dropped, which has to be before they are freed.
#[derive(Debug)]
pub struct PageLock(usize);

impl PageLock {
    /// Locks pages that nothing else is in.
    ///
    /// # Errors
    /// [`CudaError`], such as without CUDA, or where the system allows no more such pages.
    pub fn new(pages: &[u8]) -> Result<Self, CudaError> {
        let address: *const c_void = pages.as_ptr().cast();
        // SAFETY: the driver only notes where they are and keeps them there.
        checked(unsafe { cuda_page_lock(address.cast_mut(), pages.len()) })?;
        Ok(Self(address as usize))
    }
}

impl Drop for PageLock {
    fn drop(&mut self) {
        // SAFETY: what `new` has locked. Where the driver is gone already, so is the lock.
        unsafe { cuda_page_unlock(self.0 as *mut c_void) };
    }
}
