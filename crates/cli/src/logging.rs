//! Logs: always on stderr, and in the run's `log.txt` once there is a run.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The log of a run, shared with the subscriber.
#[derive(Clone, Debug, Default)]
pub struct RunLog(Arc<Mutex<Option<File>>>);

impl RunLog {
    /// Copies what follows into `log.txt` of the run folder, after what is there already.
    pub fn copy_to(&self, folder: &Path) -> io::Result<()> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log.txt"))?;
        *self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(file);
        Ok(())
    }
}

/// Writes to stderr and the run's log.
struct Both(RunLog);

impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stderr().write(bytes)?;
        if let Some(file) = &mut *self
            .0
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
        {
            file.write_all(&bytes[..written])?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Starts logging; `TWINVIEW_LOG` overrides the level.
pub fn start(verbose: u8, quiet: bool) -> RunLog {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
        .with_env_var("TWINVIEW_LOG")
        .from_env_lossy();
    let log = RunLog::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Both(writer.clone()))
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
    log
}
