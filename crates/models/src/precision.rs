//! The dtype that networks compute in.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

use crate::device::allow_tf32;

/// Compute dtype of encoders and heads. Master weights and losses stay `float32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bfloat16 where the device computes in it, else 32-bit floats.
    Auto,
    /// 32-bit floats throughout.
    F32,
    /// 32-bit floats whose convolutions and matrix products a GPU computes in TensorFloat-32, of 10
    /// bits.
    Tf32,
    /// bfloat16 inside the networks.
    Bf16,
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        })
    }
}

impl Precision {
    /// Resolves `Auto` for `device`; never [`Precision::Auto`], which is never `Tf32`.
    pub fn on(self, device: Device) -> Self {
        match self {
            Self::Auto if device.is_cuda() || cpu_has_bf16() => Self::Bf16,
            Self::Auto => Self::F32,
            chosen => chosen,
        }
    }

    /// Whether `device` computes in it.
    pub fn is_on(self, device: Device) -> bool {
        self != Self::Tf32 || device.is_cuda()
    }

    /// The dtype on `device`, as libtorch's `Kind`.
    pub fn kind(self, device: Device) -> Kind {
        match self.on(device) {
            Self::Bf16 => Kind::BFloat16,
            _ => Kind::Float,
        }
    }

    /// Has libtorch compute 32-bit floats as this precision says, from now on in this process. It
    /// does so in 32 bits until then.
    pub fn apply(self) {
        allow_tf32(self == Self::Tf32);
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
    use crate::device::tf32_is_allowed;

    #[test]
    fn only_auto_depends_on_the_device() {
        let fast = if cpu_has_bf16() { Precision::Bf16 } else { Precision::F32 };
        assert_eq!(Precision::Auto.on(Device::Cpu), fast);
        assert_eq!(Precision::Auto.on(Device::Cuda(0)), Precision::Bf16);
        for device in [Device::Cpu, Device::Cuda(0)] {
            assert_eq!(Precision::F32.kind(device), Kind::Float);
            assert_eq!(Precision::Tf32.kind(device), Kind::Float);
            assert_eq!(Precision::Bf16.kind(device), Kind::BFloat16);
        }
    }

    #[test]
    fn tf32_is_only_on_a_gpu() {
        assert!(!Precision::Tf32.is_on(Device::Cpu) && Precision::Tf32.is_on(Device::Cuda(0)));
        assert!(Precision::F32.is_on(Device::Cpu) && Precision::Auto.is_on(Device::Cpu));
    }

    #[test]
    fn what_is_allowed_is_what_was_applied_last() {
        Precision::Tf32.apply();
        let in_tf32 = tf32_is_allowed();
        Precision::Bf16.apply();
        assert_eq!((in_tf32, tf32_is_allowed()), ([true; 2], [false; 2]));
    }
}
