//! Arrays that other packages read and write without a copy.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};

use crate::dlpack;
use crate::memory::{DType, Memory, Owner};

/// Elements in memory that Rust owns, in C order.
///
/// `numpy.asarray(array)`, `torch.from_dlpack(array)` and `memoryview(array)` share its memory,
/// which stays valid until the last of them is gone. `jax.dlpack.from_dlpack(array)` copies it.
#[pyclass(frozen, module = "twinview")]
pub struct Array {
    owner: Owner,
    data: *mut u8,
    dtype: DType,
    shape: Vec<usize>,
    /// `shape` and the steps in bytes, as the buffer protocol wants them.
    sizes: Vec<ffi::Py_ssize_t>,
    steps: Vec<ffi::Py_ssize_t>,
}

// SAFETY: the memory is kept by `owner`, which may go to other threads. Rust does not touch it as
// long as there is an array of it; what Python code does with it from several threads is its own
// matter, as with any array.
unsafe impl Send for Array {}
// SAFETY: as above.
unsafe impl Sync for Array {}

impl Array {
    /// `shape` elements at `data`, which `owner` keeps there and nobody else uses.
    pub fn new(owner: Owner, data: *mut u8, dtype: DType, shape: &[usize]) -> Array {
        let sizes = shape.iter().map(|&size| size as ffi::Py_ssize_t).collect();
        let mut step = dtype.size();
        let mut steps = Vec::new();
        for &size in shape.iter().rev() {
            steps.insert(0, step as ffi::Py_ssize_t);
            step *= size;
        }
        Array { owner, data, dtype, shape: shape.to_vec(), sizes, steps }
    }

    /// An array of these bytes.
    pub fn of_bytes(mut bytes: Vec<u8>, shape: &[usize]) -> Array {
        assert_eq!(bytes.len(), shape.iter().product::<usize>(), "bytes of a shape");
        let data = bytes.as_mut_ptr();
        Array::new(Arc::new(bytes), data, DType::U8, shape)
    }

    /// A vector of these numbers.
    pub fn of_numbers(mut numbers: Vec<i64>) -> Array {
        let (data, shape) = (numbers.as_mut_ptr().cast(), [numbers.len()]);
        Array::new(Arc::new(numbers), data, DType::I64, &shape)
    }

    /// Sizes, outermost first.
    pub fn sizes(&self) -> &[usize] {
        &self.shape
    }

    /// The memory, for another package.
    fn memory(&self) -> Memory<'_> {
        Memory {
            owner: Arc::clone(&self.owner),
            data: self.data,
            dtype: self.dtype,
            sizes: &self.shape,
        }
    }

    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.size()
    }

    /// The same elements in memory of their own.
    fn copied(&self) -> Array {
        let mut copy = vec![0u64; self.bytes().div_ceil(8)];
        let data: *mut u8 = copy.as_mut_ptr().cast();
        // SAFETY: both are `self.bytes()` bytes or more, in memory that does not overlap.
        unsafe { ptr::copy_nonoverlapping(self.data, data, self.bytes()) };
        Array::new(Arc::new(copy), data, self.dtype, &self.shape)
    }
}

#[pymethods]
impl Array {
    /// Sizes, outermost first.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.shape)
    }

    /// "uint8" or "int64".
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.dtype {
            DType::U8 => "uint8",
            DType::I64 => "int64",
        }
    }

    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> usize {
        self.bytes()
    }

    fn __len__(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    fn __repr__(&self) -> String {
        format!("twinview.Array(shape={:?}, dtype={})", self.shape, self.dtype())
    }

    /// Address, shape and type, as NumPy reads them.
    #[getter]
    fn __array_interface__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let (py, array) = (slf.py(), slf.get());
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", array.shape(py)?)?;
        interface.set_item("data", (array.data as usize, false))?;
        let typestr = match (array.dtype, cfg!(target_endian = "little")) {
            (DType::U8, _) => "|u1",
            (DType::I64, true) => "<i8",
            (DType::I64, false) => ">i8",
        };
        interface.set_item("typestr", typestr)?;
        Ok(interface)
    }

    /// The device of the memory: the CPU.
    fn __dlpack_device__(&self) -> (i32, i32) {
        (dlpack::CPU, 0)
    }

    /// A DLPack capsule that shares the memory, or has a copy of it where `copy` is true.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        if stream.is_some() {
            return Err(PyBufferError::new_err("stream: expected None on a CPU"));
        }
        if dl_device.is_some_and(|device| device != (dlpack::CPU, 0)) {
            return Err(PyBufferError::new_err("dl_device: expected the CPU, (1, 0)"));
        }
        let versioned = max_version.is_some_and(|(major, _)| major >= 1);
        match copy {
            Some(true) => dlpack::export(py, self.copied().memory(), versioned, true),
            _ => dlpack::export(py, self.memory(), versioned, false),
        }
    }

    /// Fills a buffer of the buffer protocol.
    ///
    /// # Safety
    /// `view` must be a `Py_buffer` to fill, as Python calls it.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("expected a buffer to fill"));
        }
        let array = slf.get();
        let wants = |flag: c_int| flags & flag == flag;
        let format = match array.dtype {
            DType::U8 => c"B",
            DType::I64 => c"q",
        };
        let or_null = |list: &[ffi::Py_ssize_t], flag| match wants(flag) {
            true => list.as_ptr().cast_mut(),
            false => ptr::null_mut(),
        };
        // SAFETY: `view` is Python's to be filled. What it points to is part of the array, which
        // the reference in `obj` keeps, and never changes.
        unsafe {
            (*view).buf = array.data.cast::<c_void>();
            (*view).len = array.bytes() as ffi::Py_ssize_t;
            (*view).readonly = 0;
            (*view).itemsize = array.dtype.size() as ffi::Py_ssize_t;
            (*view).format = match wants(ffi::PyBUF_FORMAT) {
                true => format.as_ptr().cast_mut(),
                false => ptr::null_mut(),
            };
            (*view).ndim = array.shape.len() as c_int;
            (*view).shape = or_null(&array.sizes, ffi::PyBUF_ND);
            (*view).strides = or_null(&array.steps, ffi::PyBUF_STRIDES);
            (*view).suboffsets = ptr::null_mut();
            (*view).internal = ptr::null_mut();
            (*view).obj = slf.into_any().into_ptr();
        }
        Ok(())
    }
}
