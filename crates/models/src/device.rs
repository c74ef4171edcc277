//! The choice of a device, and loading CUDA at run time.
//!
//! The binary links the CPU part of libtorch only, so that one build serves every host. Where a
//! CUDA libtorch is on the library path, its library is loaded at run time and registers its
//! kernels.

use std::borrow::Cow;
use std::env;
use std::ffi::c_void;
use std::str::FromStr;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tch::{Cuda, Device};

/// The choice of a device: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The first GPU where there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU with this number.
    Cuda(usize),
}

/// Why a device is not available.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Not the name of a device.
    #[error("device: expected auto, cpu, cuda or cuda:N, found {0:?}")]
    Unknown(String),
    /// No usable CUDA.
    #[error("device: expected a CUDA GPU for cuda:{asked}, found none: {why}")]
    NoCuda {
        /// The GPU that was asked for.
        asked: usize,
        /// What is missing.
        why: String,
    },
    /// One GPU for several processes.
    #[error("device: expected auto, cpu or cuda for several ranks, found cuda:{asked}")]
    OfRanks {
        /// The GPU that was asked for.
        asked: usize,
    },
    /// A GPU number beyond those present.
    #[error("device: expected a GPU below cuda:{count}, found cuda:{asked}")]
    NoSuchGpu {
        /// The GPU that was asked for.
        asked: usize,
        /// Number of GPUs present.
        count: usize,
    },
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            // libtorch counts devices in a byte.
            _ => text
                .strip_prefix("cuda:")
                .filter(|number| number.len() <= 3 && !number.starts_with('+'))
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| DeviceError::Unknown(text.to_owned())),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        match choice {
            DeviceChoice::Auto => "auto".to_owned(),
            DeviceChoice::Cpu => "cpu".to_owned(),
            DeviceChoice::Cuda(number) => format!("cuda:{number}"),
        }
    }
}

impl JsonSchema for DeviceChoice {
    fn schema_name() -> Cow<'static, str> {
        "DeviceChoice".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A device as it is asked for.",
            "anyOf": [
                {"enum": ["auto", "cpu", "cuda"]},
                {"type": "string", "pattern": "^cuda:[0-9]{1,3}$"},
            ],
        })
    }
}

impl DeviceChoice {
    /// Resolves the choice to a device. Loads libtorch's CUDA library the first time a GPU is asked
    /// for.
    ///
    /// # Errors
    /// [`DeviceError`] where a GPU is asked for and there is none.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => Ok(if cuda().is_ok() && Cuda::device_count() > 0 {
                Device::Cuda(0)
            } else {
                Device::Cpu
            }),
            Self::Cuda(asked) => {
                cuda().as_ref().map_err(|why| DeviceError::NoCuda { asked, why: why.clone() })?;
                let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
                match count {
                    0 => Err(DeviceError::NoCuda { asked, why: "no GPU is visible".to_owned() }),
                    _ if asked >= count => Err(DeviceError::NoSuchGpu { asked, count }),
                    _ => Ok(Device::Cuda(asked)),
                }
            }
        }
    }
}

impl DeviceChoice {
    /// The device of the process `local_rank` of several on a machine, each of which has a GPU of
    /// its own: the CPU or, for `cuda`, the GPU of this number.
    ///
    /// # Errors
    /// [`DeviceError::OfRanks`] where one GPU is asked for by its number.
    pub fn of_rank(self, local_rank: usize) -> Result<Self, DeviceError> {
        match self {
            Self::Cpu => Ok(self),
            Self::Auto => match self.open()? {
                Device::Cuda(_) => Ok(Self::Cuda(local_rank)),
                _ => Ok(Self::Cpu),
            },
            Self::Cuda(0) => Ok(Self::Cuda(local_rank)),
            Self::Cuda(asked) => Err(DeviceError::OfRanks { asked }),
        }
    }
}

/// A device's name as [`DeviceChoice`] reads it: `cpu` or `cuda:N`.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(gpu) => format!("cuda:{gpu}"),
        _ => "cpu".to_owned(),
    }
}

/// Has libtorch and cuDNN use only algorithms that give the same bits again. An operation of a GPU
/// that has none is an error then.
fn repeatable() {
    if env::var_os(CUBLAS_WORKSPACE).is_none() {
        // SAFETY: once, before libtorch makes its first handle of cuBLAS, which reads it. Threads
        // of this program that run by then only decode images.
        unsafe { env::set_var(CUBLAS_WORKSPACE, ":4096:8") };
    }
    // SAFETY: the functions of libtorch 2.11's `at::Context`, by their names in its C++ ABI: a
    // reference to a static object, and members of it that store flags.
    unsafe {
        set_deterministic_cudnn(global_context(), true);
        set_deterministic_algorithms(global_context(), true, false);
        // No new tensor is read before it is written.
        set_deterministic_fill(global_context(), false);
    }
}

/// Sizes of the workspaces of cuBLAS. It repeats its bits with fixed ones.
const CUBLAS_WORKSPACE: &str = "CUBLAS_WORKSPACE_CONFIG";

/// Whether cuDNN and cuBLAS may compute 32-bit floats in TensorFloat-32, of 10 bits. By itself
/// libtorch allows it cuDNN.
pub(crate) fn allow_tf32(allowed: bool) {
    // SAFETY: as in `repeatable`.
    unsafe {
        set_allow_tf32_cudnn(global_context(), allowed);
        set_allow_tf32_cublas(global_context(), allowed);
    }
}

/// What [`allow_tf32`] has set, for cuDNN and for cuBLAS.
#[cfg(test)]
pub(crate) fn tf32_is_allowed() -> [bool; 2] {
    // SAFETY: as in `repeatable`; members that read a flag.
    unsafe { [tf32_of_cudnn(global_context(), 0), tf32_of_cublas(global_context())] }
}

// SAFETY: signatures and names in the C++ ABI are those of libtorch 2.11's headers. `tch` has no
// names for these.
unsafe extern "C" {
    #[link_name = "_ZN2at13globalContextEv"]
    fn global_context() -> *mut c_void;
    #[link_name = "_ZN2at7Context21setDeterministicCuDNNEb"]
    fn set_deterministic_cudnn(context: *mut c_void, only: bool);
    #[link_name = "_ZN2at7Context26setDeterministicAlgorithmsEbb"]
    fn set_deterministic_algorithms(context: *mut c_void, only: bool, warn_only: bool);
    #[link_name = "_ZN2at7Context39setDeterministicFillUninitializedMemoryEb"]
    fn set_deterministic_fill(context: *mut c_void, fill: bool);
    #[link_name = "_ZN2at7Context17setAllowTF32CuDNNEb"]
    fn set_allow_tf32_cudnn(context: *mut c_void, allowed: bool);
    #[link_name = "_ZN2at7Context18setAllowTF32CuBLASEb"]
    fn set_allow_tf32_cublas(context: *mut c_void, allowed: bool);
    /// `of` is a `std::optional` of an enumeration; 0 is none.
    #[cfg(test)]
    #[link_name = "_ZNK2at7Context14allowTF32CuDNNESt8optionalINS_9Float32OpEE"]
    fn tf32_of_cudnn(context: *const c_void, of: u64) -> bool;
    #[cfg(test)]
    #[link_name = "_ZNK2at7Context15allowTF32CuBLASEv"]
    fn tf32_of_cublas(context: *const c_void) -> bool;
}

/// Loads `libtorch_cuda.so` once; it stays loaded for the life of the process.
fn cuda() -> &'static Result<(), String> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    LOADED.get_or_init(|| {
        // SAFETY: the library's initializers only register kernels with the libtorch that is
        // already loaded; it is never unloaded, so nothing it registered can dangle.
        let library = unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) };
        match library {
            Ok(library) => {
                std::mem::forget(library);
                repeatable();
                allow_tf32(false);
                Ok(())
            }
            Err(_) => Err(
                "libtorch here has no libtorch_cuda.so (`cargo xtask setup --cuda` installs it)"
                    .to_owned(),
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3"] {
            assert_eq!(String::from(name.parse::<DeviceChoice>().unwrap()), name);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        for name in ["", "gpu", "cuda:", "cuda:x", "cuda:+1", "cuda:1000", "CPU"] {
            assert!(name.parse::<DeviceChoice>().is_err(), "{name}");
        }
    }

    #[test]
    fn ranks_have_a_gpu_each() {
        assert_eq!(DeviceChoice::Cuda(0).of_rank(3).unwrap(), DeviceChoice::Cuda(3));
        assert_eq!(DeviceChoice::Cpu.of_rank(3).unwrap(), DeviceChoice::Cpu);
        let error = DeviceChoice::Cuda(1).of_rank(0).unwrap_err().to_string();
        assert!(error.contains("for several ranks, found cuda:1"), "{error}");
    }
}
