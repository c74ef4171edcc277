//! The threads that images are decoded and rendered by.

use std::error::Error as _;

use rayon::ThreadPoolBuilder;

use crate::Error;

/// Starts the threads of the process that work on images, one a processor. Without this call they
/// start when they are first needed, and a system that gives none is a panic then.
///
/// # Errors
/// [`Error::Threads`] if the system gives none.
pub fn start_threads() -> Result<(), Error> {
    match ThreadPoolBuilder::new().build_global() {
        // Only the system's error has a source: otherwise they were started already.
        Err(error) if error.source().is_some() => Err(Error::Threads(error.to_string())),
        _ => Ok(()),
    }
}
