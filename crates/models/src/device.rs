//! Where to compute, and how CUDA is found.
//!
//! The binary links the CPU part of libtorch only, so that one build serves every host. Where a
//! CUDA libtorch is on the library path, its library is loaded at run time and registers its
//! kernels.

use std::borrow::Cow;
use std::ffi::c_void;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tch::{Cuda, Device, Kind};

/// A device as it is asked for: `auto`, `cpu`, `cuda` or `cuda:N`.
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

/// Why a device can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Not a device's name.
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
    /// The device itself. Loads libtorch's CUDA library the first time a GPU is asked for.
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

/// A device's name as [`DeviceChoice`] reads it: `cpu` or `cuda:N`.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(gpu) => format!("cuda:{gpu}"),
        _ => "cpu".to_owned(),
    }
}

/// Has cuDNN use only algorithms that give the same bits again, and 32-bit floats where it is asked
/// for them, not the 10 bits of TensorFloat-32 that libtorch allows it by default.
fn repeatable() {
    // SAFETY: the functions of libtorch 2.11's `at::Context`, by their names in its C++ ABI: a
    // reference to a static object, and two of its members that each store a flag.
    unsafe {
        let context = global_context();
        set_deterministic_cudnn(context, true);
        set_allow_tf32_cudnn(context, false);
    }
}

// SAFETY: signatures and names in the C++ ABI are those of libtorch 2.11's headers. `tch` has no
// names for these.
unsafe extern "C" {
    #[link_name = "_ZN2at13globalContextEv"]
    fn global_context() -> *mut c_void;
    #[link_name = "_ZN2at7Context21setDeterministicCuDNNEb"]
    fn set_deterministic_cudnn(context: *mut c_void, only: bool);
    #[link_name = "_ZN2at7Context17setAllowTF32CuDNNEb"]
    fn set_allow_tf32_cudnn(context: *mut c_void, allowed: bool);
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
                Ok(())
            }
            Err(_) => Err(
                "libtorch here has no libtorch_cuda.so (`cargo xtask setup --cuda` installs it)"
                    .to_owned(),
            ),
        }
    })
}

/// The kind of number that encoders and heads compute in. Weights and losses stay `float32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bfloat16 where the device computes in it, else 32-bit floats.
    Auto,
    /// 32-bit floats throughout.
    F32,
    /// bfloat16 inside the networks.
    Bf16,
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl Precision {
    /// What it means on `device`: never [`Precision::Auto`].
    pub fn on(self, device: Device) -> Self {
        match self {
            Self::Auto if device.is_cuda() || cpu_has_bf16() => Self::Bf16,
            Self::Auto => Self::F32,
            chosen => chosen,
        }
    }

    /// libtorch's name for what it means on `device`.
    pub fn kind(self, device: Device) -> Kind {
        match self.on(device) {
            Self::Bf16 => Kind::BFloat16,
            _ => Kind::Float,
        }
    }
}

/// Whether the processor multiplies bfloat16 itself. Without that it is emulated, at a tenth of the
/// speed of 32-bit floats. Processors with AMX have AVX512_BF16 too.
fn cpu_has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_auto_depends_on_the_device() {
        let fast = if cpu_has_bf16() { Precision::Bf16 } else { Precision::F32 };
        assert_eq!(Precision::Auto.on(Device::Cpu), fast);
        assert_eq!(Precision::Auto.on(Device::Cuda(0)), Precision::Bf16);
        for device in [Device::Cpu, Device::Cuda(0)] {
            assert_eq!(Precision::F32.kind(device), Kind::Float);
            assert_eq!(Precision::Bf16.kind(device), Kind::BFloat16);
        }
    }

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
}
