//! Errors as one line on stderr and an exit code.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use files::OneLine;

use crate::app::{own_rank, words};
use crate::args;

/// Everything done.
pub const DONE: u8 = 0;
/// Failed while running.
pub const FAILED: u8 = 1;
/// Bad arguments, configuration or data.
pub const USAGE: u8 = 2;
/// Stopped because training diverged, collapsed, or made initial weights worse.
pub const DIVERGED: u8 = 3;
/// Another process of a run ended, hangs or can't be reached.
pub const LOST: u8 = 4;
/// Interrupted by the user.
pub const INTERRUPTED: u8 = 130;

/// The error of a command.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
    /// Whether rank 0 says it for all, or else the launcher.
    shared: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// The arguments, configuration or data are wrong.
    pub fn usage(message: impl ToString) -> Self {
        Self::of(USAGE, message)
    }

    /// Something failed while running.
    pub fn failed(message: impl ToString) -> Self {
        Self::of(FAILED, message)
    }

    /// The processes of a run lost each other.
    pub fn lost(message: impl ToString) -> Self {
        Self::of(LOST, message)
    }

    /// Whether the processes lost each other.
    pub fn is_lost(&self) -> bool {
        self.code == LOST
    }

    fn of(code: u8, message: impl ToString) -> Self {
        Self { code, message: message.to_string(), shared: false }
    }

    /// The same as one that every rank has.
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Code and message, for other ranks.
    pub fn encode(&self) -> String {
        format!("{} {}", self.code, self.message)
    }

    /// What `rank` encoded, if it is a failure, as one of all ranks.
    pub fn decode(bytes: &[u8], rank: usize) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (code, message) = text.split_once(' ')?;
        let message = match rank {
            0 => message.to_owned(),
            rank => format!("rank {rank}: {message}"),
        };
        Some(Self::of(code.parse().ok()?, message).shared())
    }

    /// Interrupted by the user before anything was written.
    pub fn interrupted() -> Self {
        Self::of(INTERRUPTED, "interrupted; nothing was written")
    }

    /// Interrupted by the user while images were decoded.
    pub fn interrupted_decoding() -> Self {
        Self::of(INTERRUPTED, "interrupted; images decoded so far are kept in the cache")
    }

    /// The same with `hint` behind its message, where something given is to blame.
    pub fn with(mut self, hint: &str) -> Self {
        if self.code == USAGE {
            self.message += hint;
        }
        self
    }

    /// Prints the line to stderr, unless another process does; the exit code.
    pub fn report(&self) -> ExitCode {
        let silent = self.shared && (own_rank::other().is_some() || self.code == LOST);
        let rank = own_rank::other().map_or(String::new(), |rank| format!("rank {rank}: "));
        if !silent {
            let _ = writeln!(io::stderr(), "error: {rank}{}", OneLine(&self.message));
        }
        ExitCode::from(self.code)
    }
}

impl From<trainer::Error> for Failure {
    fn from(error: trainer::Error) -> Self {
        let code = match &error {
            trainer::Error::Diverged { .. }
            | trainer::Error::Collapsed { .. }
            | trainer::Error::Regressed { .. } => DIVERGED,
            trainer::Error::Group(error) => return error.clone().into(),
            // On all ranks.
            trainer::Error::Interrupted => return Self::interrupted().shared(),
            error if error.is_usage() => USAGE,
            _ => FAILED,
        };
        Self { shared: error.is_shared(), ..Self::of(code, error) }
    }
}

impl From<group::Error> for Failure {
    fn from(error: group::Error) -> Self {
        let code = if error.is_usage() { USAGE } else { LOST };
        // The launcher sees who ended, or ends who hangs, and says so.
        Self { shared: code == LOST && own_rank::is_launched(), ..Self::of(code, error) }
    }
}

impl From<files::Error> for Failure {
    fn from(error: files::Error) -> Self {
        Self::failed(error)
    }
}

impl From<files::Unwritable> for Failure {
    fn from(error: files::Unwritable) -> Self {
        Self::usage(error)
    }
}

impl From<trainer::ConfigError> for Failure {
    fn from(error: trainer::ConfigError) -> Self {
        match &error {
            trainer::ConfigError::Read { source, .. } if !files::is_of_path(source) => {
                Self::failed(error)
            }
            _ => Self::usage(error),
        }
    }
}

impl From<dataset::Error> for Failure {
    fn from(error: dataset::Error) -> Self {
        use dataset::Error as E;
        if matches!(error, E::Interrupted) {
            return Self::interrupted();
        }
        let code = if error.is_of_system() { FAILED } else { USAGE };
        let hint = match &error {
            E::NotAnImage { .. }
            | E::TooSmall { .. }
            | E::Decode { .. }
            | E::Memory { .. }
            | E::Unusable { .. } => "; --skip-bad skips such files".to_owned(),
            E::NotASet { path } => unpacking(path),
            _ => String::new(),
        };
        Self::of(code, format!("{error}{hint}"))
    }
}

impl From<eval::Error> for Failure {
    fn from(error: eval::Error) -> Self {
        match error {
            eval::Error::Interrupted => Self::interrupted(),
            eval::Error::Loader(error) => Self::failed(error),
            eval::Error::Group(error) => error.into(),
            eval::Error::Encoder(error) => Self::failed(error),
            eval::Error::Cache { .. } | eval::Error::Threads(_) => Self::failed(error),
            error => Self::usage(error),
        }
    }
}

impl From<eval::ExportError> for Failure {
    fn from(error: eval::ExportError) -> Self {
        match error {
            eval::ExportError::Io(error) => error.into(),
            error => Self::failed(error),
        }
    }
}

impl From<features::Error> for Failure {
    fn from(error: features::Error) -> Self {
        match error {
            features::Error::Extension { .. } => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<run::Error> for Failure {
    fn from(error: run::Error) -> Self {
        match error {
            run::Error::Io { .. } => Self::failed(error),
            _ => Self::usage(error),
        }
    }
}

impl From<report::Error> for Failure {
    fn from(error: report::Error) -> Self {
        use report::Error as E;
        match error {
            E::Run(error) => error.into(),
            E::Content { .. } | E::FigureName { .. } => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

/// How to make a folder of a file, where it is an archive by name.
fn unpacking(path: &Path) -> String {
    let name = path.to_string_lossy().to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let file = words::quoted_path(path);
    if ends(&[".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst"]) {
        format!("; unpack it first: tar -xf {file} -C FOLDER")
    } else if ends(&[".arrow", ".tfrecord", ".h5", ".npz"]) {
        "; save its images as files first".to_owned()
    } else {
        String::new()
    }
}

/// The failure of writing to stdout. Who closes a pipe has read enough.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("can't write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints help and version as they are, an error as one line.
pub fn of_arguments(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| io::stdout().flush());
        return written(printed).map_or_else(|failure| failure.report(), |()| ExitCode::from(DONE));
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    Failure::usage(args::usage_error(error, &words)).report()
}
