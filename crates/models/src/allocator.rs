//! Settings of glibc's allocator for the memory of tensors.

/// Lets the process keep the memory that tensors free, for the next ones.
///
/// glibc gives a block of more than 32 MB back to the system as soon as it is freed, and the pages
/// of the next one are cleared and mapped anew: of a training step with a small encoder on a CPU
/// that is a third. Does nothing with another C library.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the signature in glibc's malloc.h.
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        const M_TRIM_THRESHOLD: i32 = -1;
        const M_MMAP_MAX: i32 = -4;
        // SAFETY: glibc's function with parameters from its malloc.h; it takes its own lock.
        unsafe {
            mallopt(M_MMAP_MAX, 0);
            mallopt(M_TRIM_THRESHOLD, i32::MAX);
        }
    }
}
