//! Encoders, projection heads and the linear probe: everything that has weights.
//!
//! The crate also owns the one door from bytes to tensors ([`ToTensor`]), the choice of a device,
//! and [`FlatParameters`], which lays all weights of a network side by side in one flat buffer so
//! that an optimizer or a teacher update is a handful of kernels whatever the number of layers.
//!
//! ```
//! use models::{ConvConfig, ToTensor, EncoderConfig, WeightRng, Mode, Pool};
//! use tch::nn::VarStore;
//! use tch::{Device, Kind};
//!
//! let store = VarStore::new(Device::Cpu);
//! let stream = WeightRng { seed: 0, network: 0 };
//! let config = EncoderConfig::Conv(ConvConfig { width: 8, layers: 2, pool: Pool::Mean });
//! let encoder = config.build(&(store.root() / "encoder"), stream, 16, Kind::Float)?;
//!
//! // Two images as bytes: three planes each, row by row.
//! let to_tensor = ToTensor::new(Device::Cpu, Kind::Float);
//! let images = to_tensor.images(&[128; 2 * 3 * 16 * 16], [2, 1], [16, 16]);
//! let features = tch::no_grad(|| encoder.forward(&images, Mode::Eval));
//! assert_eq!(features.size(), [2, encoder.feature_size()]);
//! # Ok::<(), models::ModelError>(())
//! ```

mod allocator;
mod conv;
mod device;
mod encoder;
mod flat_parameters;
mod layer;
mod mlp;
mod projection;
mod resnet;
mod to_tensor;
mod vit;
mod weight_init;

pub use allocator::keep_freed_memory;
pub use conv::{ConvConfig, Pool};
pub use device::{DeviceChoice, DeviceError, Precision, device_name};
pub use encoder::{Encoder, EncoderConfig, InputSizes, Mode, ModelError};
pub use flat_parameters::{FlatParameters, buffers};
pub use layer::{BatchNorm, Conv2d, LayerNorm, Linear};
pub use mlp::{Mlp, MlpConfig, Norm};
pub use projection::{DinoHeadConfig, Projection, ProjectionConfig};
pub use resnet::{ResNetConfig, ResNetNorm, Stem};
pub use to_tensor::ToTensor;
pub use vit::{VitConfig, VitSize};
pub use weight_init::{Init, WeightRng};
