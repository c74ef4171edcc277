//! c10d's groups of processes.

use std::cell::OnceCell;
use std::ffi::c_int;
use std::fmt;
use std::ptr::NonNull;
use std::time::Duration;

use tch::{Device, Tensor};

use super::ffi::{
    RawGroup, c_text, group_all_gather, group_all_reduce, group_barrier, group_broadcast,
    group_failed, group_free, group_gloo, group_nccl, group_nccl_loaded, group_sync_batch_norm,
    last_error, millis,
};
use super::store::Store;
use crate::rendezvous::{Address, meet};
use crate::{Error, Launch, absent};

/// Groups of c10d of the same processes: over TCP for tensors on CPUs, and where it was asked for
/// over NCCL for those on GPUs.
pub(crate) struct Collectives {
    gloo: Handle,
    nccl: OnceCell<Handle>,
    launch: Launch,
    timeout: Duration,
    /// The ranks that are gone, once a collective has failed.
    absent: OnceCell<Vec<usize>>,
    /// Serves the keys by which the processes found each other, while they run.
    store: Store,
}

/// A group of c10d.
struct Handle(NonNull<RawGroup>);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: nothing else has it.
        unsafe { group_free(self.0.as_ptr()) }
    }
}

impl Collectives {
    pub fn join(launch: &Launch, timeout: Duration) -> Result<Self, Error> {
        let store = meet(launch, timeout)?;
        let failed = |reason: String| Error::Collective {
            rank: launch.rank,
            size: launch.size,
            doing: "joining",
            reason,
            absent: absent::not_arrived(launch, store.port()),
        };
        absent::arrive(&store, launch).map_err(failed)?;
        let (rank, size) = (launch.rank as c_int, launch.size as c_int);
        // The variable's interface goes first.
        let address = match std::env::var_os("GLOO_SOCKET_IFNAME") {
            Some(_) => None,
            None => Some(Address::of(launch, &store).map_err(|error| match error {
                // Asked for of a rank that didn't come.
                Error::Address { reason, .. } if reason.contains("timeout") => failed(reason),
                error => error,
            })?),
        };
        let address = address.map(|address| c_text(&address.to_string()));
        let address = address.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        // SAFETY: the string outlives the call, the store the group.
        let group = unsafe { group_gloo(store.as_ptr(), rank, size, millis(timeout), address) };
        let gloo = NonNull::new(group).map(Handle).ok_or_else(|| failed(last_error()))?;
        Ok(Self {
            gloo,
            nccl: OnceCell::new(),
            launch: launch.clone(),
            timeout,
            absent: OnceCell::new(),
            store,
        })
    }

    /// Has NCCL carry tensors that are on a GPU.
    pub fn use_nccl(&self) -> Result<(), Error> {
        if self.nccl.get().is_some() {
            return Ok(());
        }
        // SAFETY: only looks for a name.
        self.done("joining", unsafe { group_nccl_loaded() })?;
        let (rank, size) = (self.launch.rank as c_int, self.launch.size as c_int);
        // SAFETY: the store outlives the group.
        let group = unsafe { group_nccl(self.store.as_ptr(), rank, size, millis(self.timeout)) };
        let group = NonNull::new(group).map(Handle);
        let group = group.ok_or_else(|| self.failure("joining", Vec::new()))?;
        let _ = self.nccl.set(group);
        Ok(())
    }

    /// The group for tensors on `device`.
    fn on(&self, device: Device) -> *mut RawGroup {
        let nccl = self.nccl.get().filter(|_| device.is_cuda());
        nccl.unwrap_or(&self.gloo).0.as_ptr()
    }

    /// c10d's last error as one of this process.
    fn failure(&self, doing: &'static str, absent: Vec<usize>) -> Error {
        let Launch { rank, size, .. } = self.launch;
        Error::Collective { rank, size, doing, reason: last_error(), absent }
    }

    fn done(&self, doing: &'static str, code: c_int) -> Result<(), Error> {
        if code == 0 {
            return Ok(());
        }
        // Before anything else is asked of c10d.
        let error = self.failure(doing, Vec::new());
        let find = || absent::after_failure(&self.launch, self.store.port());
        let gone = match doing {
            "joining" => Vec::new(),
            _ => self.absent.get_or_init(find).clone(),
        };
        Err(match error {
            Error::Collective { rank, size, doing, reason, .. } => {
                Error::Collective { rank, size, doing, reason, absent: gone }
            }
            error => error,
        })
    }

    pub fn all_reduce(&self, tensor: &mut Tensor) -> Result<(), Error> {
        let group = self.on(tensor.device());
        // SAFETY: a tensor of tch is one of libtorch.
        let code = unsafe { group_all_reduce(group, tensor.as_mut_ptr().cast()) };
        self.done("all-reduce", code)
    }

    pub fn broadcast(&self, tensor: &mut Tensor) -> Result<(), Error> {
        let group = self.on(tensor.device());
        // SAFETY: a tensor of tch is one of libtorch.
        let code = unsafe { group_broadcast(group, tensor.as_mut_ptr().cast(), 0) };
        self.done("broadcast", code)
    }

    pub fn all_gather(&self, part: &Tensor, size: usize) -> Result<Tensor, Error> {
        let shape = [&[size as i64], &part.size()[..]].concat();
        let mut part = part.contiguous().view(-1);
        let length = size as i64 * part.size()[0];
        let mut all = Tensor::zeros([length], (part.kind(), part.device()));
        let (out, own) = (all.as_mut_ptr().cast(), part.as_mut_ptr().cast());
        // SAFETY: tensors of libtorch; both flat, as Gloo wants them.
        let code = unsafe { group_all_gather(self.on(part.device()), out, own) };
        self.done("all-gather", code)?;
        Ok(all.view(&shape[..]))
    }

    pub fn barrier(&self, timeout: Duration) -> Result<(), Error> {
        // SAFETY: an open group.
        let code = unsafe { group_barrier(self.on(Device::Cpu), millis(timeout)) };
        self.done("waiting for all ranks", code)
    }

    /// Normalizes `x` by `weight` and `bias`, and writes the statistics, `[2 * channels + 1]`.
    pub fn sync_batch_norm(&self, tensors: [&Tensor; 4], epsilon: f64) -> Tensor {
        let group = self.on(tensors[0].device());
        let [x, weight, bias, stats] = tensors.map(|tensor| tensor.as_ptr().cast_mut().cast());
        // SAFETY: tensors of libtorch, none of which it changes but `stats`; the group outlives the
        // graph, whose backward pass uses it, as its owner keeps it while it trains.
        let y = unsafe { group_sync_batch_norm(group, x, weight, bias, stats, epsilon) };
        assert!(!y.is_null(), "batch normalization over ranks: {}", last_error());
        // SAFETY: a tensor that was made for the caller.
        unsafe { Tensor::from_ptr(y.cast()) }
    }

    pub fn check(&self) -> Result<(), Error> {
        for group in [Some(&self.gloo), self.nccl.get()].into_iter().flatten() {
            // SAFETY: an open group.
            self.done("batch normalization", unsafe { group_failed(group.0.as_ptr()) })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Collectives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collectives({} of {})", self.launch.rank, self.launch.size)
    }
}
