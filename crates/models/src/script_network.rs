//! Networks of other programs, as TorchScript files: used as they are, never trained.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{CModule, Device, IValue, Kind, TchError, Tensor, no_grad};

use crate::Normalize;

/// Images that go through the network together on a CPU. Not `train.micro_batch`, which must not
/// change what a step computes.
const CPU_CHUNK: i64 = 32;
/// Features of images that differ do so by more than this part of the largest one.
const LEAST_DIFFERENCE: f64 = 1e-6;

/// How a network takes images: RGB `[n, 3, side, side]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "\"u8\", \"float\", \"imagenet\" or [[mean of r, g, b], [std of r, g, b]]"
)]
pub enum ScriptInput {
    /// By name.
    Named(NamedInput),
    /// Floats less these means, divided by these standard deviations of red, green and blue.
    Channels([[f64; 3]; 2]),
}

/// An input that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NamedInput {
    /// `u8`, 0..=255.
    U8,
    /// Floats, 0..=1: byte / 255.
    Float,
    /// Floats less ImageNet's mean, divided by its standard deviation.
    ImageNet,
}

impl ScriptInput {
    /// `images` as the network takes them.
    ///
    /// # Shapes
    /// `[n, 3, h, w]`, floats in 0..=1 -> the same
    fn of(self, images: &Tensor) -> Tensor {
        let numbers = match self {
            Self::Named(NamedInput::U8) => {
                return (images * 255.0).round().to_kind(Kind::Uint8);
            }
            Self::Named(NamedInput::Float) => return images.shallow_clone(),
            Self::Named(NamedInput::ImageNet) => Normalize::IMAGENET.mean_and_std(),
            Self::Channels(numbers) => Some(numbers),
        };
        let Some(numbers) = numbers else { return images.shallow_clone() };
        let [mean, std] = numbers.map(|numbers| {
            let channels = Tensor::from_slice(&numbers).view([1, 3, 1, 1]);
            channels.to_device(images.device()).to_kind(images.kind())
        });
        (images - mean) / std
    }
}

/// Why a file is no network that gives features of images.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct ScriptError {
    /// What is needed.
    pub expected: &'static str,
    /// What the file is.
    pub found: String,
}

/// A network that was read from a TorchScript file.
#[derive(Debug)]
pub struct ScriptNetwork {
    module: CModule,
    input: ScriptInput,
    /// The floats that its weights are.
    kind: Kind,
    feature_size: i64,
    at_once: i64,
}

impl ScriptNetwork {
    /// Reads the file at `path` and tries the network on two images of `side` pixels. Its weights
    /// become `compute` where it works with these, else they are float32.
    ///
    /// # Errors
    /// [`ScriptError`] where it is no TorchScript, or doesn't take images of this size,
    /// or doesn't give features `[n, size]` that are finite and differ between images.
    pub fn open(
        path: &Path,
        input: ScriptInput,
        side: i64,
        device: Device,
        compute: Kind,
    ) -> Result<Self, ScriptError> {
        let wrong = |expected, found: String| ScriptError { expected, found };
        std::fs::File::open(path)
            .map_err(|error| wrong("a TorchScript file", format!("{path:?}: {error}")))?;
        let load = |kind| -> Result<Self, ScriptError> {
            let mut module = CModule::load_on_device(path, device).map_err(|error| {
                let found = format!("{path:?}: {}", in_a_line(&error));
                wrong("a TorchScript file, as torch.jit.save writes it", found)
            })?;
            module.set_eval();
            module.to(device, kind, false);
            let at_once = if device == Device::Cpu { CPU_CHUNK } else { i64::MAX };
            let mut network = Self { module, input, kind, feature_size: 0, at_once };
            network.feature_size = network.try_out(path, side, device)?;
            Ok(network)
        };
        match load(compute) {
            Err(_) if compute != Kind::Float => load(Kind::Float),
            loaded => loaded,
        }
    }

    /// Size of the features that it gives for images of `side` pixels.
    fn try_out(&self, path: &Path, side: i64, device: Device) -> Result<i64, ScriptError> {
        let wrong = |expected, found: String| {
            let found = format!("{path:?}, which {found}");
            Err(ScriptError { expected, found })
        };
        // A gradient and its negative, as different as images can be.
        let ramp = Tensor::arange(3 * side * side, (Kind::Float, device));
        let ramp = (ramp / (3 * side * side) as f64).view([3, side, side]);
        let images = Tensor::stack(&[&ramp, &(1.0 - &ramp)], 0);
        let given = self.given(&images);
        let answer = match no_grad(|| self.module.forward_is(&[IValue::Tensor(given)])) {
            Ok(answer) => answer,
            Err(error) => {
                let expected = "a network for images of image_size as teacher_input";
                return wrong(expected, format!("fails: {}", in_a_line(&error)));
            }
        };
        let expected = "a network that returns a tensor";
        let features = match answer {
            IValue::Tensor(features) => features,
            IValue::Tuple(_) => return wrong(expected, "returns a tuple".to_owned()),
            IValue::TensorList(_) | IValue::GenericList(_) => {
                return wrong(expected, "returns a list".to_owned());
            }
            IValue::GenericDict(_) => return wrong(expected, "returns a dict".to_owned()),
            _ => return wrong(expected, "returns something else".to_owned()),
        };
        let (shape, kind) = (features.size(), features.kind());
        let floats = [Kind::Float, Kind::Double, Kind::Half, Kind::BFloat16].contains(&kind);
        match shape[..] {
            [2, size] if size > 0 && floats => {
                let features = features.to_kind(Kind::Double);
                let largest = features.abs().max().double_value(&[]);
                if !largest.is_finite() {
                    return wrong("finite features", format!("gives {largest}"));
                }
                let difference = features.get(0) - features.get(1);
                if difference.abs().max().double_value(&[]) <= LEAST_DIFFERENCE * largest {
                    let expected = "features that differ between images";
                    return wrong(expected, "gives the same for images that differ".to_owned());
                }
                Ok(size)
            }
            _ => {
                let found = format!("returns {kind:?} {shape:?} for two images");
                wrong("a network that returns float features [images, size]", found)
            }
        }
    }

    /// `images` as the network takes them.
    fn given(&self, images: &Tensor) -> Tensor {
        let pixels = self.input.of(images);
        if pixels.kind() == Kind::Uint8 { pixels } else { pixels.to_kind(self.kind) }
    }

    /// Size of its features.
    pub fn feature_size(&self) -> i64 {
        self.feature_size
    }

    /// Features of images, without gradient.
    ///
    /// # Shapes
    /// `images` `[n, 3, side, side]`, float in 0..=1 -> features `[n, feature_size]`, in the kind
    /// of `images`.
    ///
    /// # Panics
    /// If the network fails on images of another size than those that it was tried on.
    pub fn features(&self, images: &Tensor) -> Tensor {
        no_grad(|| {
            let parts = images.split(self.at_once.min(images.size()[0]), 0);
            let features = parts.iter().map(|part| {
                let features = self.module.forward_ts(&[self.given(part)]);
                features.unwrap_or_else(|error| panic!("TorchScript: {}", in_a_line(&error)))
            });
            Tensor::cat(&features.collect::<Vec<_>>(), 0).to_kind(images.kind())
        })
    }
}

/// The line of a message of libtorch that says what is wrong: in a network this is the last error
/// of a traceback, after which libtorch's own functions follow.
fn in_a_line(error: &TchError) -> String {
    let text = error.to_string();
    let said = || text.lines().take_while(|line| !line.starts_with("Exception raised from"));
    let raised = said().filter(|line| line.contains("Error: ")).last();
    raised.or_else(|| said().next()).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests;
