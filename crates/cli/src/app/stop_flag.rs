//! Flags that signals set: Ctrl-C, SIGTERM and SIGHUP ask to stop, SIGUSR1 to save and go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::app::failure::{self, Failure};
use crate::app::progress_bars;

/// The answer to Ctrl-C while a run trains.
pub const TRAINING: &str = "stopping after this step; press Ctrl-C again to end without saving";
/// The answer to Ctrl-C while a command works that writes its result at the end.
pub const WORKING: &str =
    "stopping; nothing will be written; press Ctrl-C again to end immediately";

/// The answer to Ctrl-C while the result is written.
pub const WRITING: &str = "finishing the file; press Ctrl-C again to end immediately";

/// The answer to Ctrl-C while images are decoded.
pub const DECODING: &str =
    "stopping; images decoded so far are kept; press Ctrl-C again to end immediately";

/// What the signals that ask to stop do.
struct StopSignals {
    /// Set by the first one.
    stop: Arc<AtomicBool>,
    /// What the first one is answered with; none where nobody looks at `stop`, so that it ends the
    /// process.
    answer: Mutex<Option<&'static str>>,
}

static STOP: OnceLock<StopSignals> = OnceLock::new();

/// A flag that the first Ctrl-C, SIGTERM or SIGHUP sets; a thread logs the `answer` then, whatever
/// the others are doing. The second signal ends the program at once.
pub fn stop_flag(answer: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let signals = signals()?;
    signals.set_answer(Some(answer));
    Ok(signals.stop.clone())
}

/// From here on the first signal ends the process at once, by one line and exit code 130: for a
/// command that writes nothing but its result, at its end.
pub fn end_at_once() -> Result<(), Failure> {
    signals()?.set_answer(None);
    Ok(())
}

/// Whether the flag is set.
pub fn is_stopped() -> bool {
    STOP.get().is_some_and(|signals| signals.stop.load(Ordering::SeqCst))
}

/// Signals are heard until this ends, and are then what they were before.
pub struct Listening {
    /// See [`stop_flag`].
    pub flag: Arc<AtomicBool>,
    before: Option<&'static str>,
}

impl Listening {
    /// Listens for a while.
    pub fn begin(answer: &'static str) -> Result<Self, Failure> {
        let signals = signals()?;
        let before = signals.set_answer(Some(answer));
        Ok(Self { flag: signals.stop.clone(), before })
    }

    /// Ends it. A signal that nobody else will look for interrupts.
    pub fn end(self) -> Result<(), Failure> {
        let unheard = self.before.is_none();
        drop(self);
        match unheard && is_stopped() {
            true => Err(Failure::interrupted()),
            false => Ok(()),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(signals) = STOP.get() {
            signals.set_answer(self.before);
        }
    }
}

impl StopSignals {
    /// The answer before.
    fn set_answer(&self, answer: Option<&'static str>) -> Option<&'static str> {
        let mut current = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, answer)
    }
}

/// Handles the signals, from the first call on.
fn signals() -> Result<&'static StopSignals, Failure> {
    if let Some(signals) = STOP.get() {
        return Ok(signals);
    }
    let failed = |error| Failure::failed(format!("can't handle Ctrl-C: {error}"));
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = stopping();
    let code = i32::from(failure::INTERRUPTED);
    for &signal in &stopping {
        flag::register_conditional_shutdown(signal, code, stop.clone())
            .and_then(|_| flag::register(signal, stop.clone()))
            .map_err(failed)?;
    }
    let mut signals = Signals::new(&stopping).map_err(failed)?;
    let answering = move || {
        if signals.forever().next().is_some() {
            // The second signal leaves no time to remove them.
            progress_bars::remove();
            match STOP.get().and_then(|signals| signals.set_answer(Some(WORKING))) {
                Some(answer) => tracing::warn!("{answer}"),
                None => {
                    Failure::interrupted().report();
                    low_level::exit(code);
                }
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(answering).map_err(failed)?;
    Ok(STOP.get_or_init(|| StopSignals { stop, answer: Mutex::new(None) }))
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
    flag::register(SIGUSR1, save.clone()).map_err(failed)?;
    Ok(save)
}

/// Whether this process was started with `signal` ignored.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
