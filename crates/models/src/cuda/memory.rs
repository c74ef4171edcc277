//! Memory of a GPU.

use std::ffi::c_int;

use super::CudaError;
use super::ffi::{checked, cuda_peak_memory, cuda_reset_peak_memory};

/// The most bytes that tensors on the GPU with this number had at once, since the start or the last
/// [`reset_peak_memory`].
///
/// # Errors
/// [`CudaError`], such as without CUDA.
pub fn peak_memory(gpu: usize) -> Result<u64, CudaError> {
    let mut bytes = 0;
    // SAFETY: it writes a number.
    checked(unsafe { cuda_peak_memory(gpu as c_int, &raw mut bytes) })?;
    Ok(bytes as u64)
}

/// Begins anew: what tensors had before counts no more.
///
/// # Errors
/// As [`peak_memory`].
pub fn reset_peak_memory(gpu: usize) -> Result<(), CudaError> {
    // SAFETY: it has no arguments but a number.
    checked(unsafe { cuda_reset_peak_memory(gpu as c_int) })
}
