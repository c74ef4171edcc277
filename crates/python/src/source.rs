//! Memory of other packages: images to read, and places to write views to.

use std::slice;

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::dlpack::Imported;
use crate::error::unexpected;

/// Bytes of another package's array in C order, which is kept as long as this is there.
pub struct Foreign {
    data: *mut u8,
    shape: Vec<usize>,
    is_read_only: bool,
    _keep: Keep,
}

/// What keeps the memory.
#[expect(dead_code, reason = "only kept")]
enum Keep {
    Buffer(PyUntypedBuffer),
    Tensor(Imported),
    Object(Py<PyAny>),
}

// SAFETY: the memory stays where it is as long as `_keep` is there, whatever thread reads it, and
// each kind of it can be let go from any thread.
unsafe impl Send for Foreign {}
// SAFETY: as above. Python code could write while Rust reads; the documentation forbids it, and
// all that would come of it are other pixels.
unsafe impl Sync for Foreign {}

impl AsRef<[u8]> for Foreign {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `shape` bytes lie there without gaps, which was checked, and stay.
        unsafe { slice::from_raw_parts(self.data, self.len()) }
    }
}

impl Foreign {
    /// The array of an object that speaks the buffer protocol, DLPack or `__array_interface__`.
    ///
    /// # Errors
    /// If it speaks none of them, or its elements are no bytes or have gaps.
    pub fn take(name: &str, object: &Bound<'_, PyAny>) -> PyResult<Foreign> {
        let foreign = match PyUntypedBuffer::get(object) {
            Ok(buffer) => Foreign::of_buffer(name, buffer)?,
            Err(_) if object.hasattr("__dlpack__")? => Foreign::of_tensor(name, object)?,
            Err(_) if object.hasattr("__array_interface__")? => {
                Foreign::of_interface(name, object)?
            }
            Err(_) => {
                let found = object.get_type().name()?;
                return Err(unexpected(name, "an array", found));
            }
        };
        Ok(foreign)
    }

    /// Sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes, to write to.
    ///
    /// # Errors
    /// If the array is read-only.
    pub fn as_mut(&mut self, name: &str) -> PyResult<&mut [u8]> {
        if self.is_read_only {
            return Err(unexpected(name, "an array that can be written to", "a read-only one"));
        }
        // SAFETY: as for reading; that nobody else uses it meanwhile is the caller's promise.
        Ok(unsafe { slice::from_raw_parts_mut(self.data, self.len()) })
    }

    fn of_buffer(name: &str, buffer: PyUntypedBuffer) -> PyResult<Foreign> {
        let format = buffer.format().to_string_lossy();
        let format = format.trim_start_matches(['@', '=', '<', '>', '!', '|']);
        if format != "B" || buffer.item_size() != 1 {
            return Err(unexpected(name, "uint8", buffer_dtype(format)));
        }
        if !buffer.is_c_contiguous() {
            return Err(not_contiguous(name));
        }
        Ok(Foreign {
            data: buffer.buf_ptr().cast(),
            shape: buffer.shape().to_vec(),
            is_read_only: buffer.readonly(),
            _keep: Keep::Buffer(buffer),
        })
    }

    fn of_tensor(name: &str, object: &Bound<'_, PyAny>) -> PyResult<Foreign> {
        let tensor = Imported::take(object).map_err(|error| {
            match error.is_instance_of::<PyBufferError>(object.py()) {
                true => crate::error::value_error(format!("{name}: {}", error.value(object.py()))),
                false => error,
            }
        })?;
        if tensor.dtype != "uint8" {
            return Err(unexpected(name, "uint8", &tensor.dtype));
        }
        if !tensor.is_contiguous {
            return Err(not_contiguous(name));
        }
        Ok(Foreign {
            data: tensor.data,
            shape: tensor.shape.clone(),
            is_read_only: tensor.is_read_only,
            _keep: Keep::Tensor(tensor),
        })
    }

    fn of_interface(name: &str, object: &Bound<'_, PyAny>) -> PyResult<Foreign> {
        let interface = object.getattr("__array_interface__")?;
        let interface = interface.cast_into::<PyDict>()?;
        let get = |key: &str| -> PyResult<Bound<'_, PyAny>> {
            interface.get_item(key)?.ok_or_else(|| {
                unexpected(name, format_args!("`{key}` in __array_interface__"), "none")
            })
        };
        let typestr: String = get("typestr")?.extract()?;
        if !typestr.ends_with("u1") {
            return Err(unexpected(name, "uint8", typestr));
        }
        let strides = interface.get_item("strides")?;
        if strides.is_some_and(|strides| !strides.is_none()) {
            return Err(not_contiguous(name));
        }
        let (address, is_read_only): (usize, bool) = get("data")?.extract()?;
        Ok(Foreign {
            data: address as *mut u8,
            shape: get("shape")?.extract()?,
            is_read_only,
            _keep: Keep::Object(object.clone().unbind()),
        })
    }
}

fn not_contiguous(name: &str) -> PyErr {
    unexpected(name, "elements in C order without gaps", "other strides")
}

/// The type of a buffer's elements as NumPy calls it.
fn buffer_dtype(format: &str) -> String {
    let known = [
        ("b", "int8"),
        ("h", "int16"),
        ("H", "uint16"),
        ("i", "int32"),
        ("I", "uint32"),
        ("l", "int64"),
        ("q", "int64"),
        ("L", "uint64"),
        ("Q", "uint64"),
        ("e", "float16"),
        ("f", "float32"),
        ("d", "float64"),
        ("?", "bool"),
    ];
    let found = known.iter().find(|(letter, _)| *letter == format);
    found.map_or_else(|| format!("buffer format {format:?}"), |(_, name)| (*name).to_owned())
}

/// Images of an array `[N, 3, H, W]`.
pub fn images(name: &str, object: &Bound<'_, PyAny>) -> PyResult<(Foreign, [usize; 3])> {
    let array = Foreign::take(name, object)?;
    match *array.shape() {
        [count, 3, height, width] if count > 0 && height > 0 && width > 0 => {
            Ok((array, [count, height, width]))
        }
        ref shape => Err(unexpected(name, "shape [N, 3, H, W], none of them 0", shape_text(shape))),
    }
}

/// A shape as Python writes lists.
pub fn shape_text(shape: &[usize]) -> String {
    format!("{shape:?}")
}
