//! What can go wrong in a run.

use std::path::{Path, PathBuf};

use files::OneLine;

use crate::ConfigError;

/// Any failure of training. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Sizes of the networks don't fit.
    #[error(transparent)]
    Model(#[from] models::ModelError),
    /// A hyper-parameter of the method is out of range.
    #[error(transparent)]
    Method(#[from] methods::MethodError),
    /// The device can't be had.
    #[error(transparent)]
    Device(#[from] models::DeviceError),
    /// A GPU refused a copy.
    #[error(transparent)]
    Cuda(#[from] models::cuda::CudaError),
    /// The processes of a training lost each other.
    #[error(transparent)]
    Group(#[from] group::Error),
    /// Rank 0 failed at what only it does. It has the reason.
    #[error("rank 0 failed, and says why")]
    FirstRank {
        /// Whether arguments, configuration or data are to blame.
        usage: bool,
    },
    /// A process was started otherwise than rank 0.
    #[error("rank {rank}: {}: expected {} as on rank 0, found {}", OneLine(.key), OneLine(.expected), OneLine(.found))]
    RankMismatch {
        /// The process.
        rank: usize,
        /// The dotted key of what differs.
        key: String,
        /// Its value on rank 0.
        expected: String,
        /// Its value on this rank.
        found: String,
    },
    /// A process has learned something else.
    #[error(
        "rank {rank}: expected the weights of rank 0 after step {step}, found others (a machine that computes wrongly?); the last checkpoint is from before"
    )]
    RanksDiffer {
        /// The process.
        rank: usize,
        /// 1-based.
        step: u64,
    },
    /// The data can't be served in such batches.
    #[error(transparent)]
    LoaderConfig(loader::Error),
    /// Making views failed during training.
    #[error(transparent)]
    Loader(loader::Error),
    /// Ended while the initial weights were measured.
    #[error("interrupted")]
    Interrupted,
    /// The run folder is taken.
    #[error("{}: expected a new run folder, found {} names another)", OneLine(.path), if *is_run { "one in use (--resume goes on with it, --run" } else { "a folder with files in it that is no run (--run" })]
    RunExists {
        /// The folder.
        path: PathBuf,
        /// Whether a run is in it.
        is_run: bool,
    },
    /// Another process trains in the run folder.
    #[error("{}: expected a run folder that no other process uses, found one in use", OneLine(.0))]
    InUse(PathBuf),
    /// Another process trains in the run folder, as a lock file says.
    #[error("{}: expected a run folder that no other process uses, found one that {} uses; if that process has ended, remove this file", OneLine(.path), OneLine(.by))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The process.
        by: String,
    },
    /// The checkpoints of a run are gone.
    #[error("{}: expected the checkpoints of this run, found none{}; bring them back (a disk that isn't mounted?), or begin a new run (--run)", OneLine(.path), match .steps { 0 => String::new(), steps => format!(", though {} has {steps} steps", run::file::METRICS) })]
    NoCheckpoint {
        /// The folder of the checkpoints.
        path: PathBuf,
        /// Steps in `metrics.jsonl`.
        steps: u64,
    },
    /// The run folder can't be made.
    #[error(transparent)]
    Folder(Box<Error>),
    /// A file of a run folder can't be read.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// A run without what is asked for.
    #[error("{}: expected a run, found {}", OneLine(.path), OneLine(.found))]
    NoRun {
        /// The run folder.
        path: PathBuf,
        /// What stands there.
        found: String,
    },
    /// Resuming with another configuration.
    #[error("{}: {} can't change on --resume: expected {}, found {}", OneLine(.path), OneLine(.key), OneLine(.expected), OneLine(.found))]
    ConfigChanged {
        /// The run's `config.json`.
        path: PathBuf,
        /// The dotted key.
        key: String,
        /// The run's value.
        expected: String,
        /// The value asked for.
        found: String,
    },
    /// A file of a run can't be understood.
    #[error("{}: expected {}, found {}", OneLine(.path), OneLine(.expected), OneLine(.found))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// A file or folder can't be written or read.
    #[error("{}: can't {what}: {source}", OneLine(.path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The loss or the gradient is no longer a number.
    #[error(
        "training diverged: {what} of step {step} is {value}; a smaller learning rate (optimizer.*.lr) usually helps; {}",
        if *saved { "checkpoints are from before" } else { "there is no checkpoint yet" }
    )]
    Diverged {
        /// "the loss", "the gradient" or "a weight".
        what: &'static str,
        /// 1-based.
        step: u64,
        /// Its value, or length.
        value: f64,
        /// Whether the run has a checkpoint.
        saved: bool,
    },
    /// The measures say so, several times in a row.
    #[error(
        "training collapsed: after step {step}, for {checks} epochs in a row, {collapse_reason}; a smaller learning rate (optimizer.*.lr), larger batches or the method's safeguards (predictor, centering, momentum) usually help; {}",
        if *saved { "a checkpoint from before is kept" } else { "there is no checkpoint from before" }
    )]
    Collapsed {
        /// 1-based.
        step: u64,
        /// Epochs in a row.
        checks: u32,
        /// Why the metrics look collapsed.
        collapse_reason: String,
        /// Whether the run has a checkpoint from before.
        saved: bool,
    },
    /// The features are worse than those of the weights that the run began with.
    #[error(
        "training made the features worse: after step {step} {reason}; a smaller learning rate (optimizer.*.lr), layer decay or a longer frozen start (train.freeze_encoder) usually helps; {}",
        if *saved { "a checkpoint from before is kept" } else { "there is no checkpoint from before" }
    )]
    Regressed {
        /// 1-based.
        step: u64,
        /// Both accuracies.
        reason: String,
        /// Whether the run has a checkpoint from before.
        saved: bool,
    },
}

impl Error {
    /// Makes an [`Error::Io`] for `path`.
    pub(crate) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, what, source }
    }

    /// Whether arguments, configuration or data are to blame, not the run.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Loader(_) | Self::Diverged { .. } | Self::Collapsed { .. } => false,
            Self::Regressed { .. } | Self::Cuda(_) => false,
            Self::RanksDiffer { .. } => false,
            Self::FirstRank { usage } => *usage,
            Self::Group(error) => error.is_usage(),
            Self::Io { .. } | Self::Run(run::Error::Io { .. }) => false,
            Self::Folder(error) => match &**error {
                // A name that can't be used, not a disk that is full.
                Self::Io { source, .. } => files::is_of_path(source),
                error => error.is_usage(),
            },
            _ => true,
        }
    }
}

impl Error {
    /// Whether every process of the run has the same error, or rank 0 its reason.
    pub fn is_shared(&self) -> bool {
        matches!(
            self,
            Self::FirstRank { .. }
                | Self::RankMismatch { .. }
                | Self::RanksDiffer { .. }
                | Self::Diverged { .. }
                | Self::Collapsed { .. }
        )
    }
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        let what = match error.action {
            "open" => "open it",
            "read" => "read it",
            "list" => "list it",
            "remove" => "remove it",
            _ => "write it",
        };
        Self::io(&error.path, what)(error.source)
    }
}
