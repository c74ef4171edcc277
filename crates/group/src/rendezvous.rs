//! How the processes find each other.
//!
//! torchrun keeps its store over restarts, with the keys of processes that are dead, and its count
//! of restarts differs between machines. So each attempt has a store of its own: rank 0 serves it
//! on a free port and writes where into the launcher's store. Without such a launcher rank 0 serves
//! it at `MASTER_PORT`.

use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::c10d::Store;
use crate::{Error, Launch};

/// Key of the launcher's store that says where the store of the last attempt is.
const KEY: &str = "twinview/store";
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);
/// For an answer of a machine that is there.
const ANSWER: Duration = Duration::from_secs(2);

/// The store of this attempt.
pub(crate) fn meet(launch: &Launch, timeout: Duration) -> Result<Store, Error> {
    let begun = Instant::now();
    let failed = |reason| Error::Collective {
        rank: launch.rank,
        size: launch.size,
        doing: "meeting the other ranks",
        reason,
        absent: Vec::new(),
    };
    let open = |port, listen, timeout| Store::open(&launch.host, port, listen, timeout);
    let first = launch.rank == 0;
    if !launch.agent {
        if !first {
            wait_for(launch, begun, timeout)?;
        }
        return open(launch.port, first, timeout).map_err(failed);
    }
    wait_for(launch, begun, timeout)?;
    let agent = open(launch.port, false, timeout).map_err(failed)?;
    if first {
        let store = open(0, true, timeout).map_err(failed)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_nanos());
        // Another program may get the port later: it lacks this key.
        let name = format!("{} {:x}{now:x}", store.port(), std::process::id());
        store.set(&name, "here").map_err(failed)?;
        agent.set(KEY, &name).map_err(failed)?;
        return Ok(store);
    }
    loop {
        let name = agent.get(KEY).map_err(failed)?;
        let port = name.split(' ').next().and_then(|port| port.parse().ok()).unwrap_or(0);
        if answers(&launch.host, port)
            && open(port, false, ANSWER).and_then(|store| store.get(&name)).is_ok()
        {
            return open(port, false, timeout).map_err(failed);
        }
        if begun.elapsed() > timeout {
            return Err(no_answer(launch, timeout));
        }
        sleep(PAUSE);
    }
}

/// Waits until somebody listens at the launch's port. c10d's own client writes pages to the log
/// where nobody does.
fn wait_for(launch: &Launch, begun: Instant, timeout: Duration) -> Result<(), Error> {
    while !answers(&launch.host, launch.port) {
        if begun.elapsed() > timeout {
            return Err(no_answer(launch, timeout));
        }
        sleep(PAUSE);
    }
    Ok(())
}

fn no_answer(launch: &Launch, timeout: Duration) -> Error {
    let Launch { host, port, .. } = launch;
    Error::NoAnswer { host: host.clone(), port: *port, secs: timeout.as_secs() }
}

fn answers(host: &str, port: u16) -> bool {
    let Ok(mut addresses) = (host, port).to_socket_addrs() else {
        return false;
    };
    addresses.any(|address: SocketAddr| TcpStream::connect_timeout(&address, ANSWER).is_ok())
}

/// The address by which other processes reach this one.
pub(crate) struct Address(IpAddr);

impl Address {
    /// The one from which this machine reaches rank 0's. Processes on rank 0's machine may reach it
    /// by a loopback address; theirs is the one by which the others know the machine.
    pub fn of(launch: &Launch, store: &Store) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Address { host: launch.host.clone(), reason };
        let io = |error: std::io::Error| wrong(error.to_string());
        let target = (launch.host.as_str(), launch.port).to_socket_addrs().map_err(io)?.next();
        let target = target.ok_or_else(|| wrong("expected an address, found none".to_owned()))?;
        let any = if target.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(any).map_err(io)?;
        // Sends nothing: it only chooses a route.
        socket.connect(target).map_err(io)?;
        let own = socket.local_addr().map_err(io)?.ip();
        let seen = |rank: usize| format!("seen/{rank}");
        store.set(&seen(launch.rank), &target.ip().to_string()).map_err(wrong)?;
        if !own.is_loopback() {
            return Ok(Self(own));
        }
        for rank in 0..launch.size {
            let text = store.get(&seen(rank)).map_err(wrong)?;
            if let Ok(address) = text.parse::<IpAddr>()
                && !address.is_loopback()
            {
                return Ok(Self(address));
            }
        }
        Ok(Self(own))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
