//! How long jobs report their progress and are asked to stop.

use std::ops::ControlFlow;

use crate::{Error, Result};

/// Called with the number of images done and the number of all; the job ends where it breaks.
/// Protocols that train count an image as often as it is seen.
pub type OnProgress<'a> = &'a dyn Fn(usize, usize) -> ControlFlow<()>;

/// Never stops.
pub(crate) const GO_ON: OnProgress<'static> = &|_, _| ControlFlow::Continue(());

/// Calls `on_progress`.
///
/// # Errors
/// [`Error::Interrupted`] where it breaks.
pub(crate) fn report(on_progress: OnProgress<'_>, done: usize, total: usize) -> Result<()> {
    match on_progress(done, total) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Interrupted),
    }
}
