//! How long jobs say how far they are, and are asked to stop.

use std::ops::ControlFlow;

use crate::{Error, Result};

/// Is told how many of how many images are done; the job ends where it breaks.
pub type Watch<'a> = &'a dyn Fn(usize, usize) -> ControlFlow<()>;

/// Tells `watch`.
///
/// # Errors
/// [`Error::Interrupted`] where it breaks.
pub(crate) fn tell(watch: Watch<'_>, done: i64, of: i64) -> Result<()> {
    match watch(done as usize, of as usize) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Interrupted),
    }
}
