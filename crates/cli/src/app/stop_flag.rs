//! A flag that Ctrl-C and SIGTERM set, and the line that answers them at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::app::failure::{self, Failure};
use crate::app::progress_bars;

/// The answer to Ctrl-C while a run trains.
pub const TRAINING: &str = "stopping after this step; press Ctrl-C again to end without saving";
/// The answer to Ctrl-C while a command works that writes its result at the end.
pub const WORKING: &str =
    "stopping; nothing will be written; press Ctrl-C again to end immediately";

/// A flag that the first Ctrl-C or SIGTERM sets; a thread logs the `answer` then, whatever the
/// others are doing. The second signal ends the program at once.
pub fn stop_flag(answer: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let failed = |error| Failure::failed(format!("can't handle Ctrl-C: {error}"));
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let now = signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(failure::INTERRUPTED),
            stop.clone(),
        );
        now.and_then(|_| signal_hook::flag::register(signal, stop.clone())).map_err(failed)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let answering = move || {
        if signals.forever().next().is_some() {
            // The second signal leaves no time to remove them.
            progress_bars::remove();
            tracing::warn!("{answer}");
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(answering).map_err(failed)?;
    Ok(stop)
}
