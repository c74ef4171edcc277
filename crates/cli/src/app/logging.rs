//! Logs to stderr and, during a run, to its `log.txt`.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use files::{OneLine, RecordLog};
use tracing_subscriber::filter::LevelFilter;

use crate::app::{own_rank, progress_bars};

/// The log of a run, shared with the subscriber.
#[derive(Clone, Debug, Default)]
pub struct RunLog(Arc<Mutex<LogCopy>>);

/// The second destination of log lines.
#[derive(Debug, Default)]
struct LogCopy {
    file: Option<RecordLog>,
    /// Set when the file can't be written any more.
    stop: Arc<AtomicBool>,
    failure: Option<trainer::Error>,
}

impl RunLog {
    fn lock(&self) -> MutexGuard<'_, LogCopy> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends further lines to `log.txt` of the run folder. On an error `stop` is set and
    /// [`failure`](Self::failure) has the error.
    pub fn copy_to(&self, folder: &Path, stop: &Arc<AtomicBool>) -> Result<(), trainer::Error> {
        let file = RecordLog::open(&folder.join(run::file::LOG))?;
        *self.lock() = LogCopy { file: Some(file), stop: stop.clone(), failure: None };
        Ok(())
    }

    /// The error of the copy, once.
    pub fn failure(&self) -> Option<trainer::Error> {
        self.lock().failure.take()
    }
}

/// Writes lines to the run's log and to stderr.
struct Tee(RunLog);

impl Write for Tee {
    /// Takes one message, which becomes one line whatever it holds. It is in the log first; whether
    /// anybody reads stderr is no matter for the run.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = format!("{}\n", OneLine(text.trim_end_matches('\n')));
        let mut copy = self.0.lock();
        if let Some(file) = &mut copy.file
            && let Err(error) = file.append(line.as_bytes())
        {
            copy.file = None;
            copy.stop.store(true, Ordering::Relaxed);
            copy.failure = Some(error.into());
        }
        drop(copy);
        let _ = progress_bars::suspend(|| io::stderr().write_all(line.as_bytes()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts logging; `TWINVIEW_LOG` overrides the level. Of several processes only the first logs
/// more than errors.
pub fn start(verbose: u8, quiet: bool) -> RunLog {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let named = std::env::var("TWINVIEW_LOG").unwrap_or_default();
    let from_environment: Option<LevelFilter> = named.parse().ok().filter(|_| !named.is_empty());
    let from_environment = match own_rank::other() {
        Some(_) => Some(LevelFilter::ERROR),
        None => from_environment,
    };
    let log = RunLog::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(from_environment.unwrap_or(level))
        .with_writer(move || Tee(writer.clone()))
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .log_internal_errors(false)
        .init();
    if from_environment.is_none() && !named.is_empty() {
        tracing::warn!("TWINVIEW_LOG: expected error, warn, info, debug or trace, found {named:?}");
    }
    log
}
