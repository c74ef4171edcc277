//! Which operators of libtorch some work calls, for tests.

use std::ffi::{CStr, c_char};

// The binary links libtorch by it.
use tch as _;

// SAFETY: as recorder.cpp has them.
unsafe extern "C" {
    fn operators_start() -> u64;
    fn operators_stop(handle: u64) -> *const c_char;
}

/// The operators that `work` calls on this thread, those of backward passes too, in their order:
/// `name.overload`, then the arguments. Tensors are written as dtype and shape.
pub fn called_by<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    // SAFETY: a callback of this thread, removed below.
    let handle = unsafe { operators_start() };
    let given = work();
    // SAFETY: the callback from above; the text is copied before the next call.
    let calls = unsafe { CStr::from_ptr(operators_stop(handle)) };
    let calls = calls.to_string_lossy().lines().map(str::to_owned).collect();
    (given, calls)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn calls_have_names_shapes_and_numbers() {
        let x = Tensor::ones([2, 3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let (_, calls) = called_by(|| (&x * 0.5).sum(Kind::Float).backward());
        let product = "aten::mul.Tensor Float[2, 3] 0.5";
        assert!(calls.iter().any(|call| call == product), "{calls:#?}");
        assert!(calls.iter().any(|call| call.starts_with("aten::expand")), "{calls:#?}");
        assert!(called_by(|| ()).1.is_empty());
    }
}
