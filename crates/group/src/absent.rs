//! Which ranks are gone, once a collective has failed.
//!
//! c10d says that a connection was closed or that nobody answered in time, but not who is to blame:
//! a rank that waits for one that hangs looks as dead as that one. So each rank that sees a failure
//! leaves a key in the store; who leaves none is gone.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Launch;
use crate::c10d::Store;

/// How long others have to see the failure too.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer of the store may take beyond that.
const ANSWER: Duration = Duration::from_secs(2);
/// Between two looks at a key.
const PAUSE: Duration = Duration::from_millis(50);

/// Notes that this rank came to the store.
pub(crate) fn arrive(store: &Store, launch: &Launch) -> Result<(), String> {
    store.set(&here(launch.rank), "here")
}

/// The ranks that did not come to the store at `port`.
pub(crate) fn not_arrived(launch: &Launch, port: u16) -> Vec<usize> {
    bounded(launch, move |launch| {
        let store = Store::open(&launch.host, port, false, ANSWER)?;
        let mut missing = Vec::new();
        for rank in 0..launch.size {
            if !store.has(&here(rank))? {
                missing.push(rank);
            }
        }
        Ok(missing)
    })
}

/// The ranks that don't see the failure of a collective that this one sees. `port` is that of the
/// group's store.
pub(crate) fn after_failure(launch: &Launch, port: u16) -> Vec<usize> {
    bounded(launch, move |launch| {
        let begun = Instant::now();
        let store = Store::open(&launch.host, port, false, ANSWER)?;
        let failed = |rank: usize| format!("failed/{rank}");
        store.set(&failed(launch.rank), "seen")?;
        let mut absent: Vec<usize> = (0..launch.size).collect();
        loop {
            let mut waiting = Vec::new();
            for rank in absent {
                if !store.has(&failed(rank))? {
                    waiting.push(rank);
                }
            }
            absent = waiting;
            if absent.is_empty() || begun.elapsed() > PATIENCE {
                return Ok(absent);
            }
            thread::sleep(PAUSE);
        }
    })
}

fn here(rank: usize) -> String {
    format!("here/{rank}")
}

/// What `ask` finds in time. Rank 0 serves the store, and may be the one that hangs.
fn bounded(
    launch: &Launch,
    ask: impl FnOnce(&Launch) -> Result<Vec<usize>, String> + Send + 'static,
) -> Vec<usize> {
    let (tell, told) = mpsc::channel();
    let asked = launch.clone();
    let asking = thread::Builder::new().name("absent".to_owned()).spawn(move || {
        let _ = tell.send(ask(&asked));
    });
    let found = asking.ok().and_then(|_| told.recv_timeout(PATIENCE + ANSWER).ok());
    match found {
        Some(Ok(absent)) => absent,
        _ if launch.rank == 0 => Vec::new(),
        _ => vec![0],
    }
}
