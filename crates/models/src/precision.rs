//! The dtype that networks compute in.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// Compute dtype of encoders and heads. Master weights and losses stay `float32`.
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
    /// Resolves `Auto` for `device`; never [`Precision::Auto`].
    pub fn on(self, device: Device) -> Self {
        match self {
            Self::Auto if device.is_cuda() || cpu_has_bf16() => Self::Bf16,
            Self::Auto => Self::F32,
            chosen => chosen,
        }
    }

    /// The dtype on `device`, as libtorch's `Kind`.
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
}
