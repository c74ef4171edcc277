//! Commands of several processes.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::{Place, binary};

/// Sends the signal `name`, such as `-TERM`, to a process.
///
/// # Panics
/// If there is no such process.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.expect("kill starts").success(), "{pid}");
}

/// Whether all processes end within ten seconds.
pub fn all_end(processes: &[u32]) -> bool {
    let gone = |pid: &u32| !fs::exists(format!("/proc/{pid}")).expect("a list of processes");
    (0..1_000).any(|_| {
        sleep(Duration::from_millis(10));
        processes.iter().all(gone)
    })
}

/// The two processes that `launcher` has started, by their ranks.
///
/// # Panics
/// If it doesn't start them.
pub fn ranks_of(launcher: u32) -> Vec<u32> {
    let started = (0..1_000).find_map(|_| {
        let found = children_of(launcher);
        sleep(Duration::from_millis(10));
        (found.len() == 2).then_some(found)
    });
    started.expect("two processes")
}

fn children_of(launcher: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        let parent = after.split(' ').nth(1).and_then(|parent| parent.parse::<u32>().ok());
        if parent != Some(launcher) {
            continue;
        }
        let variables = fs::read(entry.path().join("environ")).unwrap_or_default();
        let variables = String::from_utf8_lossy(&variables).into_owned();
        let rank = variables.split('\0').find_map(|one| one.strip_prefix("RANK="));
        found.extend(rank.map(|rank| (rank.parse::<u32>().expect("a number"), pid)));
    }
    found.sort_unstable();
    found.into_iter().map(|(_, pid)| pid).collect()
}

/// A rank as a launcher such as torchrun starts it.
///
/// # Panics
/// If it doesn't start.
pub fn rank(place: &Place, rank: &str, port: u16, arguments: &[&str]) -> Child {
    rank_of(place.program(binary()), rank, port, arguments)
}

/// The same of any program.
///
/// # Panics
/// If it doesn't start.
pub fn rank_of(mut command: Command, rank: &str, port: u16, arguments: &[&str]) -> Child {
    command
        .args(arguments)
        .envs([("RANK", rank), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1")])
        .env("MASTER_PORT", port.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// A port that nobody listens at.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
