//! What can go wrong between processes.

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A variable of the launcher is wrong or missing.
    #[error("{name}: expected {expected}, found {found}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// Its value.
        found: String,
    },
    /// Nobody answers where the processes meet.
    #[error("{host}:{port}: expected rank 0 or its launcher to answer, found nobody in {secs} s")]
    NoAnswer {
        /// `MASTER_ADDR`.
        host: String,
        /// `MASTER_PORT`.
        port: u16,
        /// How long it was waited for.
        secs: u64,
    },
    /// The address where the processes meet can't be used.
    #[error("{host}: {reason}")]
    Address {
        /// `MASTER_ADDR`.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// c10d failed: a rank ended, hangs, never came, or can't be reached.
    #[error("rank {rank} of {size}: {doing} failed: {reason}{}", absent_words(.absent))]
    Collective {
        /// This process.
        rank: usize,
        /// Number of processes.
        size: usize,
        /// What was under way.
        doing: &'static str,
        /// What c10d says, on one line.
        reason: String,
        /// The processes that never came, ended or don't answer, where that is known.
        absent: Vec<usize>,
    },
    /// Several processes, and a program without c10d.
    #[error("expected one process, found {size}: this program was built without c10d")]
    NoC10d {
        /// Number of processes.
        size: usize,
    },
}

impl Error {
    /// Whether arguments or variables are to blame, not the other processes.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Variable { .. } | Self::NoC10d { .. })
    }
}

/// Which ranks are `absent`, in words.
fn absent_words(absent: &[usize]) -> String {
    let names: Vec<_> = absent.iter().map(usize::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("; rank {one} ended or doesn't answer"),
        _ => format!("; ranks {} ended or don't answer", names.join(", ")),
    }
}
