//! Flags that signals set: Ctrl-C, SIGTERM and SIGHUP ask to stop, SIGUSR1 to save and go on.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use crate::app::failure::{self, Failure};
use crate::app::progress_bars;

/// The answer to Ctrl-C while a run trains.
pub const TRAINING: &str = "stopping after this step; press Ctrl-C again to end without saving";
/// The answer to Ctrl-C while a command works that writes its result at the end.
pub const WORKING: &str =
    "stopping; nothing will be written; press Ctrl-C again to end immediately";

/// A flag that the first Ctrl-C, SIGTERM or SIGHUP sets; a thread logs the `answer` then, whatever
/// the others are doing. The second signal ends the program at once.
pub fn stop_flag(answer: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let failed = |error| Failure::failed(format!("can't handle Ctrl-C: {error}"));
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = stopping();
    for &signal in &stopping {
        let now = signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(failure::INTERRUPTED),
            stop.clone(),
        );
        now.and_then(|_| signal_hook::flag::register(signal, stop.clone())).map_err(failed)?;
    }
    let mut signals = Signals::new(&stopping).map_err(failed)?;
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

/// The signals that ask to stop. Under nohup a closed terminal is no reason to.
pub fn stopping() -> Vec<i32> {
    [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal)).collect()
}

/// A flag that SIGUSR1 sets, as schedulers of clusters send it before they take a machine back. It
/// is the same one at every call.
pub fn save_flag() -> Result<Arc<AtomicBool>, Failure> {
    static SAVE: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(save) = SAVE.get() {
        return Ok(save.clone());
    }
    let save = SAVE.get_or_init(Arc::default).clone();
    let failed = |error| Failure::failed(format!("can't handle SIGUSR1: {error}"));
    signal_hook::flag::register(SIGUSR1, save.clone()).map_err(failed)?;
    Ok(save)
}

/// Whether this process was started with `signal` ignored.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
