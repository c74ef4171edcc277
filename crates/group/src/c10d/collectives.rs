//! c10d's groups of processes.

use std::ffi::c_int;
use std::fmt;
use std::ptr::NonNull;
use std::time::Duration;

use tch::Tensor;

use super::ffi::{
    RawGroup, c_text, group_all_gather, group_all_reduce, group_barrier, group_broadcast,
    group_failed, group_free, group_gloo, group_nccl, group_nccl_loaded, group_sync_batch_norm,
    last_error, millis,
};
use super::store::Store;
use crate::rendezvous::{Address, meet};
use crate::{Backend, Error, Launch};

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
        let raw = store.as_ptr();
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
