//! `--ranks`: the program starts itself several times on this machine.
//!
//! Each process has a pipe from the launcher as its stdin. A byte in it is a signal to raise, so
//! that one Ctrl-C reaches each process once; its end is that of the launcher, with which all end.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread::{self, available_parallelism, sleep};
use std::time::{Duration, Instant};

use group::{Group, Launch};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::app::failure::{DONE, Failure, INTERRUPTED, LOST};
use crate::app::own_rank::{LAUNCHED, is_launched};
use crate::app::stop_flag;
use crate::args::RankArguments;

/// What a run leaves where a rank is lost.
pub const CHECKPOINT: &str = "the last checkpoint is whole";
/// What a command leaves that writes its result at the end.
pub const NOTHING: &str = "nothing was written";

/// Between two looks at the processes.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the others have to end by themselves once one has failed. They need a few seconds to
/// find out who did.
const AFTER_FAILURE: Duration = Duration::from_secs(6);
/// How long they have once one has ended well.
const AFTER_END: Duration = Duration::from_secs(60);

/// Starts to follow the launcher, if this process was started by one.
pub fn follow() -> Result<(), Failure> {
    if !is_launched() {
        return Ok(());
    }
    let following = || {
        let mut byte = [0];
        while io::stdin().read_exact(&mut byte).is_ok() {
            let _ = low_level::raise(i32::from(byte[0]));
        }
        low_level::exit(i32::from(LOST))
    };
    let started = thread::Builder::new().name("launcher".to_owned()).spawn(following);
    started.map(|_| ()).map_err(|error| Failure::failed(format!("can't start a thread: {error}")))
}

/// A process.
struct Rank {
    child: Child,
    ended: Option<ExitStatus>,
    /// Whether it didn't end by itself.
    killed: bool,
}

/// The number of processes that this command starts; none where it does the work itself, alone or
/// as a rank of `launch`.
pub fn count(arguments: &RankArguments, launch: Option<&Launch>) -> Result<Option<usize>, Failure> {
    if arguments.rank_timeout == 0 {
        return Err(Failure::usage("--rank-timeout: expected at least 1 second, found 0"));
    }
    match (arguments.ranks, launch) {
        (Some(0), _) => Err(Failure::usage("--ranks: expected at least 1, found 0")),
        (Some(count), Some(Launch { size, .. })) if count != *size => Err(Failure::usage(format!(
            "--ranks: expected none in one of {size} processes (WORLD_SIZE), found {count}"
        ))),
        (Some(count), None) if count > 1 && !Group::HAS_C10D => {
            Err(group::Error::NoC10d { size: count }.into())
        }
        (Some(count), None) if count > 1 => Ok(Some(count)),
        _ => Ok(None),
    }
}

/// Runs this command `count` times, as the ranks of one group, until all have ended. `left` is what
/// it leaves where a rank is lost.
pub fn run(count: usize, left: &str) -> Result<ExitCode, Failure> {
    let failed = |what: &str, error: io::Error| Failure::failed(format!("can't {what}: {error}"));
    let mut signals = Signals::new(stop_flag::stopping().into_iter().chain([SIGUSR1]))
        .map_err(|error| failed("handle signals", error))?;
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
    let port = port.map_err(|error| failed("listen", error))?.port();
    let mut ranks = Ranks(Vec::with_capacity(count));
    for rank in 0..count {
        let child = command(rank, count, port).and_then(|mut command| command.spawn());
        let child = child.map_err(|error| failed(&format!("start rank {rank}"), error))?;
        ranks.0.push(Rank { child, ended: None, killed: false });
    }
    let mut stopped = false;
    let mut deadline: Option<Instant> = None;
    while ranks.0.iter().any(|rank| rank.ended.is_none()) {
        for signal in signals.pending() {
            stopped |= signal != SIGUSR1;
            ranks.signal(signal);
        }
        for rank in &mut ranks.0 {
            if rank.ended.is_some() {
                continue;
            }
            rank.ended = rank.child.try_wait().map_err(|error| failed("wait for a rank", error))?;
            if let Some(status) = rank.ended {
                let ended_well =
                    matches!(status.code().map(|code| code as u8), Some(DONE | INTERRUPTED));
                let left = if ended_well { AFTER_END } else { AFTER_FAILURE };
                let then = Instant::now() + left;
                deadline = Some(deadline.map_or(then, |deadline| deadline.min(then)));
            }
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            ranks.kill();
        }
        sleep(PAUSE);
    }
    ranks.outcome(stopped, left)
}

/// This command as a rank.
fn command(rank: usize, count: usize, port: u16) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(std::env::args_os().skip(1))
        .env("RANK", rank.to_string())
        .env("LOCAL_RANK", rank.to_string())
        .env("WORLD_SIZE", count.to_string())
        .env("LOCAL_WORLD_SIZE", count.to_string())
        .env("MASTER_ADDR", "127.0.0.1")
        .env("MASTER_PORT", port.to_string())
        .env_remove("TORCHELASTIC_USE_AGENT_STORE")
        .env(LAUNCHED, "1")
        .stdin(Stdio::piped())
        // Ctrl-C reaches it by its pipe.
        .process_group(0);
    if std::env::var_os("OMP_NUM_THREADS").is_none() {
        let cores = available_parallelism().map_or(1, usize::from);
        command.env("OMP_NUM_THREADS", (cores / count).max(1).to_string());
    }
    Ok(command)
}

/// The processes; those that still run end with this.
struct Ranks(Vec<Rank>);

impl Ranks {
    /// Has every process raise a signal.
    fn signal(&mut self, signal: i32) {
        for rank in &mut self.0 {
            if let Some(pipe) = &mut rank.child.stdin {
                // One that has ended doesn't read.
                let _ = pipe.write_all(&[signal as u8]);
            }
        }
    }

    fn kill(&mut self) {
        for rank in self.0.iter_mut().filter(|rank| rank.ended.is_none()) {
            rank.killed |= rank.child.kill().is_ok();
        }
    }

    /// How they ended: by the code of the one that has a reason of its own.
    fn outcome(&self, stopped: bool, left: &str) -> Result<ExitCode, Failure> {
        let ended = || {
            let ranks = self.0.iter().enumerate();
            ranks.filter_map(|(rank, of)| Some((rank, of.ended?, of.killed)))
        };
        let codes: Vec<u8> =
            ended().filter_map(|(_, status, _)| status.code()).map(|code| code as u8).collect();
        if let Some(code) = codes.iter().find(|code| ![DONE, LOST, INTERRUPTED].contains(code)) {
            return Ok(ExitCode::from(*code));
        }
        for (rank, status, killed) in ended() {
            let Some(signal) = status.signal().filter(|_| !killed) else { continue };
            if stopped && [SIGINT, SIGTERM, SIGHUP].contains(&signal) {
                return Ok(ExitCode::from(INTERRUPTED));
            }
            let name = low_level::signal_name(signal).unwrap_or("a signal");
            return Err(Failure::lost(format!(
                "rank {rank} was ended by {name} ({signal}); {left}"
            )));
        }
        if let Some((rank, ..)) = ended().find(|(.., killed)| *killed)
            && !(stopped && codes.contains(&INTERRUPTED))
        {
            return Err(Failure::lost(format!("rank {rank} did not answer and was ended; {left}")));
        }
        if codes.contains(&LOST) {
            return Err(Failure::lost(format!(
                "the ranks lost each other: one took longer than --rank-timeout, or a connection \
                 broke; {left}"
            )));
        }
        let interrupted = codes.contains(&INTERRUPTED);
        Ok(ExitCode::from(if interrupted { INTERRUPTED } else { DONE }))
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        self.kill();
        for rank in self.0.iter_mut().filter(|rank| rank.ended.is_none()) {
            let _ = rank.child.wait();
        }
    }
}
