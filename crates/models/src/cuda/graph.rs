//! CUDA graphs: work of a GPU that is recorded once and repeated.

use std::ffi::{c_int, c_void};
use std::ptr;

use tch::Cuda;

use super::ffi::{
    checked, cuda_graph_begin, cuda_graph_end, cuda_graph_free, cuda_graph_replay, cuda_stream_new,
    cuda_stream_set,
};
use super::{CudaError, CudaEvent};

/// What was queued on a GPU once, and is queued again as a whole. It reads and writes the tensors
/// that it was recorded with: new input is copied into these.
#[derive(Debug)]
pub struct CudaGraph {
    raw: *mut c_void,
}

/// Memory for what graphs compute on the way. Graphs that never run at once can share it: what one
/// gave is gone once another ran.
#[derive(Clone, Copy, Debug, Default)]
pub struct GraphMemory([u64; 2]);

/// A stream that this thread computes on until it is dropped, in place of the default one, on which
/// nothing can be captured.
#[derive(Debug)]
pub struct ComputeStream {
    gpu: usize,
    before: i64,
}

impl CudaGraph {
    /// Captures what `work` queues on the GPU with this number, and does not run it. `work` may
    /// neither wait for the GPU nor read from it, and runs while this thread has a
    /// [`ComputeStream`]. What it gives is written by every [`replay`](Self::replay).
    ///
    /// # Errors
    /// [`CudaError`], such as without CUDA.
    ///
    /// # Panics
    /// As `work`, and where libtorch refuses an operation of it.
    pub fn capture<T>(
        gpu: usize,
        memory: &mut GraphMemory,
        work: impl FnOnce() -> T,
    ) -> Result<(Self, T), CudaError> {
        // An error where there is no CUDA, and of what was queued before.
        CudaEvent::record(gpu)?.wait()?;
        Cuda::synchronize(gpu as i64);
        let mut graph = Self { raw: ptr::null_mut() };
        // SAFETY: it reads two numbers and writes a new graph, which `drop` frees.
        checked(unsafe { cuda_graph_begin(memory.0.as_ptr(), &raw mut graph.raw) })?;
        let given = work();
        // SAFETY: the graph that was begun, and room for two numbers.
        checked(unsafe { cuda_graph_end(graph.raw, memory.0.as_mut_ptr()) })?;
        Ok((graph, given))
    }

    /// Runs it on this thread's current stream.
    ///
    /// # Errors
    /// [`CudaError`], also that of what was queued before.
    pub fn replay(&self) -> Result<(), CudaError> {
        // SAFETY: a graph of `capture`.
        checked(unsafe { cuda_graph_replay(self.raw) })
    }
}

impl Drop for CudaGraph {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: a graph that was begun, used no more.
            unsafe { cuda_graph_free(self.raw) }
        }
    }
}

impl ComputeStream {
    /// Computes on a stream of the GPU with this number from now on, after what was queued so far.
    ///
    /// # Errors
    /// [`CudaError`], such as without CUDA.
    pub fn enter(gpu: usize) -> Result<Self, CudaError> {
        let so_far = CudaEvent::record(gpu)?;
        let (mut id, mut before) = (0, 0);
        // SAFETY: it writes an id.
        checked(unsafe { cuda_stream_new(gpu as c_int, &raw mut id) })?;
        // SAFETY: a stream of this GPU.
        checked(unsafe { cuda_stream_set(gpu as c_int, id, &raw mut before) })?;
        so_far.block()?;
        Ok(Self { gpu, before })
    }
}

impl Drop for ComputeStream {
    fn drop(&mut self) {
        let so_far = CudaEvent::record(self.gpu);
        let mut own = 0;
        // SAFETY: the stream from before.
        unsafe { cuda_stream_set(self.gpu as c_int, self.before, &raw mut own) };
        // A GPU that fails has nothing to wait for.
        let _ = so_far.and_then(|event| event.block());
    }
}
