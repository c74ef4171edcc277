//! Layers, encoders and heads; converts image bytes to tensors.
//!
//! Also here: the choice of a device ([`DeviceChoice`]) and of a compute dtype ([`Precision`]),
//! copies to a GPU beside what it computes ([`cuda`]), and [`FlatParameters`], which lays all
//! weights of a network out in one flat buffer, so that an optimizer step or an EMA update is a few
//! kernels whatever the number of layers.
//!
//! ```
//! use models::{ConvConfig, EncoderConfig, Mode, Pool, ToTensor, WeightRng, WeightStream};
//! use tch::nn::VarStore;
//! use tch::{Device, Kind};
//!
//! let store = VarStore::new(Device::Cpu);
//! let rng = WeightRng { seed: 0, stream: WeightStream::Student };
//! let config = EncoderConfig::Conv(ConvConfig { width: 8, layers: 2, pool: Pool::Mean });
//! let encoder = config.build(&(store.root() / "encoder"), rng, 16, Kind::Float)?;
//!
//! // Two images as bytes: three planes each, row by row.
//! let to_tensor = ToTensor::new(Device::Cpu);
//! let images = to_tensor.images(&[128; 2 * 3 * 16 * 16], [2, 1], [16, 16]);
//! let features = tch::no_grad(|| encoder.forward(&images, Mode::Eval));
//! assert_eq!(features.size(), [2, encoder.feature_size()]);
//! # Ok::<(), models::ModelError>(())
//! ```

mod allocator;
pub mod cuda;
mod device;
mod encoders;
mod error;
mod flat_parameters;
mod heads;
mod layers;
mod libtorch;
mod precision;
mod pretrained;
mod script_network;
mod to_tensor;
mod weight_init;

pub use self::allocator::keep_freed_memory;
pub use self::device::{DeviceChoice, DeviceError, device_name};
pub use self::encoders::{
    ConvConfig, ConvNextConfig, ConvNextSize, DropPathConfig, DropPathKey, DropPathRule, Encoder,
    EncoderConfig, InputSizes, MASK_TOKEN, Mode, NamedNormalize, Normalize, Pool, ResNetConfig,
    ResNetNorm, Stem, Tokens, VitConfig, VitPool, VitShape, VitSize, resample_positions,
};
pub use self::error::ModelError;
pub use self::flat_parameters::{FlatParameters, buffers};
pub use self::heads::{
    DinoHead, DinoHeadConfig, Mlp, MlpConfig, Norm, ProjectionConfig, ProjectionHead,
};
pub use self::layers::{BatchNorm, Conv2d, LayerNorm, Linear};
pub use self::libtorch::{cpu_capability, libtorch_version};
pub use self::precision::Precision;
pub use self::pretrained::{WeightSource, WeightsInfo, convert_weights, mask_token};
pub use self::script_network::{NamedInput, ScriptError, ScriptInput, ScriptNetwork};
pub use self::to_tensor::ToTensor;
pub use self::weight_init::{Init, WeightRng, WeightStream};
