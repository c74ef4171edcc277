//! Notices a forked child, in which the threads of its parent do not exist.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The process that something with threads was made in.
#[derive(Clone, Copy)]
pub struct ForkGuard(u32);

impl ForkGuard {
    /// The current process.
    pub fn new() -> ForkGuard {
        ForkGuard(std::process::id())
    }

    /// Whether this still is the process.
    pub fn is_here(self) -> bool {
        self.0 == std::process::id()
    }

    /// Refuses a forked child.
    pub fn check(self) -> PyResult<()> {
        if self.is_here() {
            return Ok(());
        }
        Err(PyRuntimeError::new_err(format!(
            "this loader belongs to process {}, whose threads a forked child does not have: make \
             a loader in each process, and use num_workers=0 with a DataLoader",
            self.0
        )))
    }
}
