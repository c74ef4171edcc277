//! Arguments of commands that several processes do together.

use clap::Args;

/// Which processes, and how long they wait for each other.
#[derive(Clone, Copy, Debug, Args)]
pub struct RankArguments {
    /// Use N processes on this machine; on GPUs each has its own.
    #[arg(long, value_name = "N")]
    pub ranks: Option<usize>,
    /// Time to wait for another process before the command fails.
    #[arg(long, value_name = "SECS", default_value_t = 600)]
    pub rank_timeout: u64,
}
