//! c10d's store and groups.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::time::Duration;

use tch::Tensor;

use crate::rendezvous::{Address, meet};
use crate::{Backend, Error, Launch};

#[repr(C)]
struct RawStore([u8; 0]);
#[repr(C)]
struct RawGroup([u8; 0]);

// SAFETY: as src/c10d/c10d.h declares them.
unsafe extern "C" {
    fn group_error() -> *const c_char;
    fn group_quiet();
    fn group_store_tcp(
        host: *const c_char,
        port: u16,
        listen: c_int,
        timeout_ms: i64,
    ) -> *mut RawStore;
    fn group_store_set(
        store: *mut RawStore,
        key: *const c_char,
        bytes: *const u8,
        length: u64,
    ) -> c_int;
    fn group_store_get(store: *mut RawStore, key: *const c_char, bytes: *mut u8, room: u64) -> i64;
    fn group_store_port(store: *mut RawStore) -> u16;
    fn group_store_free(store: *mut RawStore);
    fn group_gloo(
        store: *mut RawStore,
        rank: c_int,
        size: c_int,
        timeout_ms: i64,
        address: *const c_char,
    ) -> *mut RawGroup;
    fn group_nccl(store: *mut RawStore, rank: c_int, size: c_int, timeout_ms: i64)
    -> *mut RawGroup;
    fn group_nccl_loaded() -> c_int;
    fn group_free(group: *mut RawGroup);
    fn group_all_reduce(group: *mut RawGroup, tensor: *mut c_void) -> c_int;
    fn group_broadcast(group: *mut RawGroup, tensor: *mut c_void, root: c_int) -> c_int;
    fn group_all_gather(group: *mut RawGroup, out: *mut c_void, part: *mut c_void) -> c_int;
    fn group_barrier(group: *mut RawGroup, timeout_ms: i64) -> c_int;
    fn group_sync_batch_norm(
        group: *mut RawGroup,
        x: *mut c_void,
        weight: *mut c_void,
        bias: *mut c_void,
        stats: *mut c_void,
        epsilon: f64,
    ) -> *mut c_void;
    fn group_failed(group: *mut RawGroup) -> c_int;
}

/// What c10d said last to this thread, on one line.
fn last_error() -> String {
    // SAFETY: a string that stays as it is until this thread's next failure.
    let text = unsafe { CStr::from_ptr(group_error()) }.to_string_lossy();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "")).expect("no zero byte")
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Keys and values that all processes see.
pub(crate) struct Store(NonNull<RawStore>);

impl Store {
    /// The server at `port` of `host`: this process with `listen`, where port 0 is a free one, or
    /// another one.
    pub fn open(host: &str, port: u16, listen: bool, timeout: Duration) -> Result<Self, String> {
        // SAFETY: changes a setting of the log.
        unsafe { group_quiet() };
        let host = c_text(host);
        // SAFETY: the string outlives the call.
        let raw =
            unsafe { group_store_tcp(host.as_ptr(), port, c_int::from(listen), millis(timeout)) };
        NonNull::new(raw).map(Self).ok_or_else(last_error)
    }

    /// The port of its server.
    pub fn port(&self) -> u16 {
        // SAFETY: an open store.
        unsafe { group_store_port(self.0.as_ptr()) }
    }

    pub fn set(&self, key: &str, value: &str) -> Result<(), String> {
        let (key, length) = (c_text(key), value.len() as u64);
        // SAFETY: key and value outlive the call.
        let set = unsafe { group_store_set(self.0.as_ptr(), key.as_ptr(), value.as_ptr(), length) };
        if set == 0 { Ok(()) } else { Err(last_error()) }
    }

    /// The value, once somebody has set it.
    pub fn get(&self, key: &str) -> Result<String, String> {
        let (key, mut bytes) = (c_text(key), [0u8; 256]);
        let room = bytes.len() as u64;
        // SAFETY: there is as much room as it is told.
        let length =
            unsafe { group_store_get(self.0.as_ptr(), key.as_ptr(), bytes.as_mut_ptr(), room) };
        let length = usize::try_from(length).map_err(|_| last_error())?;
        Ok(String::from_utf8_lossy(&bytes[..length.min(bytes.len())]).into_owned())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: nothing else has it.
        unsafe { group_store_free(self.0.as_ptr()) }
    }
}

/// A group of c10d.
pub(crate) struct Collectives {
    group: NonNull<RawGroup>,
    rank: usize,
    size: usize,
    /// Serves the keys by which the processes found each other, while they run.
    _store: Store,
}

impl Collectives {
    pub fn join(launch: &Launch, backend: Backend, timeout: Duration) -> Result<Self, Error> {
        // SAFETY: only looks for a name.
        if backend == Backend::Nccl && unsafe { group_nccl_loaded() } != 0 {
            return Err(failure(launch, "joining"));
        }
        let store = meet(launch, timeout)?;
        let (rank, size) = (launch.rank as c_int, launch.size as c_int);
        let address = match backend {
            // The variable's interface goes first.
            Backend::Gloo if std::env::var_os("GLOO_SOCKET_IFNAME").is_none() => {
                Some(c_text(&Address::of(launch, &store)?.to_string()))
            }
            _ => None,
        };
        let raw = store.0.as_ptr();
        let group = match backend {
            Backend::Gloo => {
                let address = address.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
                // SAFETY: the string outlives the call, the store the group.
                unsafe { group_gloo(raw, rank, size, millis(timeout), address) }
            }
            // SAFETY: the store outlives the group.
            Backend::Nccl => unsafe { group_nccl(raw, rank, size, millis(timeout)) },
        };
        let group = NonNull::new(group).ok_or_else(|| failure(launch, "joining"))?;
        Ok(Self { group, rank: launch.rank, size: launch.size, _store: store })
    }

    fn done(&self, doing: &'static str, code: c_int) -> Result<(), Error> {
        match code {
            0 => Ok(()),
            _ => {
                let (rank, size) = (self.rank, self.size);
                Err(Error::Collective { rank, size, doing, reason: last_error() })
            }
        }
    }

    pub fn all_reduce(&self, tensor: &mut Tensor) -> Result<(), Error> {
        // SAFETY: a tensor of tch is one of libtorch.
        let code = unsafe { group_all_reduce(self.group.as_ptr(), tensor.as_mut_ptr().cast()) };
        self.done("all-reduce", code)
    }

    pub fn broadcast(&self, tensor: &mut Tensor) -> Result<(), Error> {
        // SAFETY: a tensor of tch is one of libtorch.
        let code = unsafe { group_broadcast(self.group.as_ptr(), tensor.as_mut_ptr().cast(), 0) };
        self.done("broadcast", code)
    }

    pub fn all_gather(&self, part: &Tensor, size: usize) -> Result<Tensor, Error> {
        let shape = [&[size as i64], &part.size()[..]].concat();
        let mut part = part.contiguous().view(-1);
        let length = size as i64 * part.size()[0];
        let mut all = Tensor::zeros([length], (part.kind(), part.device()));
        let (out, own) = (all.as_mut_ptr().cast(), part.as_mut_ptr().cast());
        // SAFETY: tensors of libtorch; both flat, as Gloo wants them.
        let code = unsafe { group_all_gather(self.group.as_ptr(), out, own) };
        self.done("all-gather", code)?;
        Ok(all.view(&shape[..]))
    }

    pub fn barrier(&self, timeout: Duration) -> Result<(), Error> {
        // SAFETY: an open group.
        let code = unsafe { group_barrier(self.group.as_ptr(), millis(timeout)) };
        self.done("waiting for all ranks", code)
    }

    /// Normalizes `x` by `weight` and `bias`, and writes the statistics, `[2 * channels + 1]`.
    pub fn sync_batch_norm(&self, tensors: [&Tensor; 4], epsilon: f64) -> Tensor {
        let [x, weight, bias, stats] = tensors.map(|tensor| tensor.as_ptr().cast_mut().cast());
        // SAFETY: tensors of libtorch, none of which it changes but `stats`; the group outlives the
        // graph, whose backward pass uses it, as its owner keeps it while it trains.
        let y =
            unsafe { group_sync_batch_norm(self.group.as_ptr(), x, weight, bias, stats, epsilon) };
        assert!(!y.is_null(), "batch normalization over ranks: {}", last_error());
        // SAFETY: a tensor that was made for the caller.
        unsafe { Tensor::from_ptr(y.cast()) }
    }

    pub fn check(&self) -> Result<(), Error> {
        // SAFETY: an open group.
        let code = unsafe { group_failed(self.group.as_ptr()) };
        self.done("batch normalization", code)
    }
}

impl Drop for Collectives {
    fn drop(&mut self) {
        // SAFETY: nothing else has it.
        unsafe { group_free(self.group.as_ptr()) }
    }
}

impl fmt::Debug for Collectives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collectives({} of {})", self.rank, self.size)
    }
}

/// The last error of c10d, as one of this process.
fn failure(launch: &Launch, doing: &'static str) -> Error {
    Error::Collective { rank: launch.rank, size: launch.size, doing, reason: last_error() }
}
