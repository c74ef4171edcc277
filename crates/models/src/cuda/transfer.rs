//! Copies of bytes to a GPU on a stream of their own.

use std::ffi::{c_int, c_void};

use tch::{Device, Kind, Tensor};

use super::ffi::{checked, cuda_record_stream, cuda_stream_new, cuda_stream_set};
use super::{CudaError, CudaEvent};

/// A stream that only copies, so that a GPU computes meanwhile.
#[derive(Debug)]
pub struct CopyStream {
    gpu: usize,
    id: i64,
}

/// A copy that was started. The bytes that it reads are kept until it is done.
#[derive(Debug)]
pub struct Transfer<S> {
    /// The bytes on the GPU. See [`receive`](Self::receive).
    tensors: Vec<Tensor>,
    /// Gone only where `into_source` took it. In a box, so that bytes inside it don't move.
    source: Option<Box<S>>,
    done: CudaEvent,
}

impl CopyStream {
    /// One of the GPU with this number.
    ///
    /// # Errors
    /// [`CudaError`], such as without CUDA.
    pub fn new(gpu: usize) -> Result<Self, CudaError> {
        let mut id = 0;
        // SAFETY: it writes an id.
        checked(unsafe { cuda_stream_new(gpu as c_int, &raw mut id) })?;
        Ok(Self { gpu, id })
    }

    /// Starts to copy each of `bytes(source)`. Where its pages are [locked](super::PageLock)
    /// nothing waits for that.
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn start<S>(
        &self,
        source: S,
        bytes: impl for<'a> Fn(&'a S) -> Vec<&'a [u8]>,
    ) -> Result<Transfer<S>, CudaError> {
        let source = Box::new(source);
        let mut compute = 0;
        // SAFETY: a stream of this GPU.
        checked(unsafe { cuda_stream_set(self.gpu as c_int, self.id, &raw mut compute) })?;
        let to = (Kind::Uint8, Device::Cuda(self.gpu));
        let copy = |bytes: &[u8]| {
            let size = [bytes.len() as i64];
            // SAFETY: it has the length and kind of `bytes`, and is only read. `Transfer` keeps
            // them until the copy is done.
            let here =
                unsafe { Tensor::from_blob(bytes.as_ptr(), &size, &[1], Kind::Uint8, Device::Cpu) };
            here.to_dtype_layout(to, true, false)
        };
        let tensors = bytes(&source).into_iter().map(copy).collect();
        let done = CudaEvent::record(self.gpu);
        // SAFETY: the stream from before.
        checked(unsafe { cuda_stream_set(self.gpu as c_int, compute, &raw mut compute) })?;
        Ok(Transfer { tensors, source: Some(source), done: done? })
    }
}

impl<S> Transfer<S> {
    /// The bytes on the GPU, for what this thread's current stream computes from now on.
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn receive(&mut self) -> Result<Vec<Tensor>, CudaError> {
        self.done.block()?;
        let tensors = std::mem::take(&mut self.tensors);
        for tensor in &tensors {
            let raw: *mut c_void = tensor.as_ptr().cast_mut().cast();
            // SAFETY: a tensor that is alive.
            checked(unsafe { cuda_record_stream(raw, self.done.gpu()) })?;
        }
        Ok(tensors)
    }

    /// Whether the bytes were read.
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn is_done(&self) -> Result<bool, CudaError> {
        self.done.is_done()
    }

    /// What the bytes were copied from, once they were read.
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn into_source(mut self) -> Result<S, CudaError> {
        self.done.wait()?;
        Ok(*self.source.take().expect("taken only here"))
    }
}

impl<S> Drop for Transfer<S> {
    fn drop(&mut self) {
        if self.source.is_some() {
            // A GPU that fails reads nothing any more.
            let _ = self.done.wait();
        }
    }
}
