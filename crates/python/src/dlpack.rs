//! DLPack, the protocol by which array packages share memory
//! (<https://dmlc.github.io/dlpack/latest/>): versions 0 and 1 of its structures, both ways.

use std::ffi::{CStr, c_void};
use std::ptr::{self, NonNull};

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::memory::{DType, Memory, Owner};

/// DLPack's number of the CPU.
pub const CPU: i32 = 1;
/// And of page-locked memory of the host.
pub const CPU_PINNED: i32 = 3;

const NAME: &CStr = c"dltensor";
const USED_NAME: &CStr = c"used_dltensor";
const VERSIONED_NAME: &CStr = c"dltensor_versioned";
const USED_VERSIONED_NAME: &CStr = c"used_dltensor_versioned";
const READ_ONLY: u64 = 1;
const COPIED: u64 = 2;
const SIGNED: u8 = 0;
const UNSIGNED: u8 = 1;

#[repr(C)]
struct Device {
    kind: i32,
    id: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct Tensor {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Managed {
    tensor: Tensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Managed)>,
}

#[repr(C)]
struct Versioned {
    version: [u32; 2],
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: Tensor,
}

/// What an exported tensor needs as long as it is used.
struct Context {
    _owner: Owner,
    shape: Vec<i64>,
    strides: Vec<i64>,
}

/// A capsule of memory.
pub fn export<'py>(
    py: Python<'py>,
    memory: Memory<'_>,
    versioned: bool,
    copied: bool,
) -> PyResult<Bound<'py, PyCapsule>> {
    let Memory { owner, data, dtype, sizes } = memory;
    let shape: Vec<i64> = sizes.iter().map(|&size| size as i64).collect();
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    let mut context = Box::new(Context { _owner: owner, shape, strides });
    let code = if dtype == DType::U8 { UNSIGNED } else { SIGNED };
    let tensor = Tensor {
        data: data.cast(),
        device: Device { kind: CPU, id: 0 },
        ndim: context.shape.len() as i32,
        dtype: DataType { code, bits: 8 * dtype.size() as u8, lanes: 1 },
        shape: context.shape.as_mut_ptr(),
        strides: context.strides.as_mut_ptr(),
        byte_offset: 0,
    };
    let context = Box::into_raw(context).cast();
    let (pointer, name) = if versioned {
        let flags = if copied { COPIED } else { 0 };
        let deleter = Some(delete_versioned as _);
        let managed = Versioned { version: [1, 0], context, deleter, flags, tensor };
        (Box::into_raw(Box::new(managed)).cast::<c_void>(), VERSIONED_NAME)
    } else {
        let managed = Managed { tensor, context, deleter: Some(delete) };
        (Box::into_raw(Box::new(managed)).cast(), NAME)
    };
    // SAFETY: the name is static, the pointer that of a tensor of this name's type.
    let capsule = unsafe {
        let capsule = ffi::PyCapsule_New(pointer, name.as_ptr(), Some(destroy));
        Bound::from_owned_ptr_or_err(py, capsule)?
    };
    Ok(capsule.cast_into::<PyCapsule>()?)
}

/// Frees a tensor of [`export`]. Any thread may call it, with or without Python.
unsafe extern "C" fn delete(managed: *mut Managed) {
    // SAFETY: both were boxes, and the caller is done with them.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.context.cast::<Context>()));
    }
}

/// As [`delete`].
unsafe extern "C" fn delete_versioned(managed: *mut Versioned) {
    // SAFETY: both were boxes, and the caller is done with them.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.context.cast::<Context>()));
    }
}

/// Frees what is in a capsule that nobody has taken over: that would have changed its name.
unsafe extern "C" fn destroy(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this once, with a capsule of `export`.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, NAME.as_ptr()) == 1 {
            delete(ffi::PyCapsule_GetPointer(capsule, NAME.as_ptr()).cast());
        } else if ffi::PyCapsule_IsValid(capsule, VERSIONED_NAME.as_ptr()) == 1 {
            delete_versioned(ffi::PyCapsule_GetPointer(capsule, VERSIONED_NAME.as_ptr()).cast());
        }
    }
}

/// Another package's tensor, taken out of its capsule.
pub struct Imported {
    managed: Taken,
    /// Where its first element is.
    pub data: *mut u8,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Whether elements lie in C order without gaps.
    pub is_contiguous: bool,
    /// Name of the type of its elements: "uint8", "float32", ...
    pub dtype: String,
    /// Whether it must not be written.
    pub is_read_only: bool,
}

enum Taken {
    Plain(NonNull<Managed>),
    Versioned(NonNull<Versioned>),
}

impl Imported {
    /// Takes the tensor of an object with `__dlpack__`.
    ///
    /// # Errors
    /// If its memory is on another device, or the object refuses.
    pub fn take(object: &Bound<'_, PyAny>) -> PyResult<Imported> {
        let (kind, _): (i32, i32) = object.call_method0("__dlpack_device__")?.extract()?;
        if ![CPU, CPU_PINNED].contains(&kind) {
            let found = format!("memory of DLPack device {kind}");
            return Err(PyBufferError::new_err(format!(
                "expected memory of the CPU, found {found}"
            )));
        }
        let py = object.py();
        let arguments = pyo3::types::PyDict::new(py);
        arguments.set_item("max_version", (1, 0))?;
        let capsule = match object.call_method("__dlpack__", (), Some(&arguments)) {
            // From before version 1.
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) => {
                object.call_method0("__dlpack__")?
            }
            result => result?,
        };
        let capsule = capsule.as_ptr();
        // SAFETY: names and pointer types belong together by the protocol. A tensor that is taken
        // gets the name of a used one, and its deleter is called by `drop`.
        unsafe {
            if ffi::PyCapsule_IsValid(capsule, VERSIONED_NAME.as_ptr()) == 1 {
                let pointer = ffi::PyCapsule_GetPointer(capsule, VERSIONED_NAME.as_ptr());
                let managed: NonNull<Versioned> = not_null(pointer)?.cast();
                if managed.as_ref().version[0] != 1 {
                    return Err(PyBufferError::new_err("expected DLPack version 1"));
                }
                ffi::PyCapsule_SetName(capsule, USED_VERSIONED_NAME.as_ptr());
                let read_only = managed.as_ref().flags & READ_ONLY != 0;
                let tensor: *const Tensor = &raw const (*managed.as_ptr()).tensor;
                Ok(Imported::of(Taken::Versioned(managed), &*tensor, read_only))
            } else if ffi::PyCapsule_IsValid(capsule, NAME.as_ptr()) == 1 {
                let pointer = ffi::PyCapsule_GetPointer(capsule, NAME.as_ptr());
                let managed: NonNull<Managed> = not_null(pointer)?.cast();
                ffi::PyCapsule_SetName(capsule, USED_NAME.as_ptr());
                let tensor: *const Tensor = &raw const (*managed.as_ptr()).tensor;
                Ok(Imported::of(Taken::Plain(managed), &*tensor, false))
            } else {
                Err(PyBufferError::new_err("expected a capsule of DLPack"))
            }
        }
    }

    fn of(managed: Taken, tensor: &Tensor, is_read_only: bool) -> Imported {
        let ndim = tensor.ndim.max(0) as usize;
        let list = |pointer: *const i64| match pointer.is_null() || ndim == 0 {
            true => Vec::new(),
            // SAFETY: by the protocol there are `ndim` numbers.
            false => unsafe { std::slice::from_raw_parts(pointer, ndim) }.to_vec(),
        };
        let (shape, strides) = (list(tensor.shape), list(tensor.strides));
        let mut step = 1;
        let mut is_contiguous = true;
        for (&size, &stride) in shape.iter().zip(&strides).rev() {
            is_contiguous &= size == 1 || stride == step;
            step *= size;
        }
        let DataType { code, bits, lanes } = tensor.dtype;
        let kind = ["int", "uint", "float", "handle", "bfloat", "complex", "bool"];
        let kind = kind.get(usize::from(code)).unwrap_or(&"type");
        let lanes = if lanes == 1 { String::new() } else { format!("x{lanes}") };
        Imported {
            managed,
            data: tensor.data.wrapping_byte_add(tensor.byte_offset as usize).cast(),
            shape: shape.iter().map(|&size| size.max(0) as usize).collect(),
            is_contiguous,
            dtype: format!("{kind}{bits}{lanes}"),
            is_read_only,
        }
    }
}

fn not_null(pointer: *mut c_void) -> PyResult<NonNull<c_void>> {
    NonNull::new(pointer).ok_or_else(|| PyBufferError::new_err("expected a tensor in the capsule"))
}

impl Drop for Imported {
    fn drop(&mut self) {
        // Deleters of some packages expect Python's lock. Without Python, which is about to end,
        // the memory ends with the process.
        Python::try_attach(|_| match &self.managed {
            // SAFETY: the tensor is ours since its capsule was renamed, and nobody uses it now.
            Taken::Plain(managed) => unsafe {
                if let Some(deleter) = managed.as_ref().deleter {
                    deleter(managed.as_ptr());
                }
            },
            // SAFETY: as above.
            Taken::Versioned(managed) => unsafe {
                if let Some(deleter) = managed.as_ref().deleter {
                    deleter(managed.as_ptr());
                }
            },
        });
        self.data = ptr::null_mut();
    }
}
