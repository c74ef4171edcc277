//! Residual blocks: basic (two layers) and bottleneck (three layers).

use std::rc::Rc;

use group::Group;
use tch::nn::Path;
use tch::{Kind, Tensor};

use super::norm::{MapNorm, ResNetNorm};
use crate::{Conv2d, Mode, WeightRng};

/// Channels that a bottleneck gives for each of its inner ones.
const EXPANSION: i64 = 4;

/// A convolution and what normalizes its map.
#[derive(Debug)]
pub(super) struct Layer {
    conv: Conv2d,
    norm: MapNorm,
}

impl Layer {
    /// # Shapes
    /// `x` `[n, inputs, h, w]` -> `[n, outputs, h / stride, w / stride]`, rounded up.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        self.norm.forward(self.conv.forward(x), mode)
    }

    /// Normalizes over the images of all ranks.
    pub fn synchronize(&mut self, group: &Rc<Group>) {
        if let MapNorm::Batch(norm) = &mut self.norm {
            norm.group = Some(Rc::clone(group));
        }
    }
}

/// What the layers of a network share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layers {
    pub rng: WeightRng,
    pub norm: ResNetNorm,
    pub compute: Kind,
}

impl Layers {
    /// Registers a layer of these `channels` (inputs, outputs) and `shape` (side, stride) under the
    /// names of its convolution and of its normalization below `path`.
    pub fn layer(
        self,
        path: &Path,
        [conv, norm]: [&str; 2],
        channels: (i64, i64),
        shape: (i64, i64),
    ) -> Layer {
        let bias = self.norm == ResNetNorm::None;
        Layer {
            conv: Conv2d::padded(&(path / conv), self.rng, channels, shape, bias, self.compute),
            norm: MapNorm::new(self.norm, &(path / norm), channels.1),
        }
    }
}

/// `relu(shortcut(x) + layers(x))`, with ReLU between the layers.
#[derive(Debug)]
pub(super) struct Block {
    layers: Vec<Layer>,
    /// Where strides or channels differ; otherwise `x` itself is the shortcut.
    shortcut: Option<Layer>,
    /// The learned factor of the layers, where nothing normalizes.
    scale: Option<Tensor>,
    channels: i64,
}

impl Block {
    /// Registers `conv1`, `bn1`, ..., `downsample` and `scale` under `path`.
    pub fn new(
        layers: Layers,
        path: &Path,
        (inputs, width): (i64, i64),
        stride: i64,
        bottleneck: bool,
    ) -> Self {
        let channels = if bottleneck { EXPANSION * width } else { width };
        let shapes = match bottleneck {
            false => vec![((inputs, width), (3, stride)), ((width, width), (3, 1))],
            true => vec![
                ((inputs, width), (1, 1)),
                ((width, width), (3, stride)),
                ((width, channels), (1, 1)),
            ],
        };
        let branch = (1..).zip(shapes).map(|(number, (channels, shape))| {
            let names = [format!("conv{number}"), format!("bn{number}")];
            layers.layer(path, [&names[0], &names[1]], channels, shape)
        });
        let branch = branch.collect();
        let shortcut = (stride != 1 || inputs != channels).then(|| {
            let path = path / "downsample";
            layers.layer(&path, ["0", "1"], (inputs, channels), (1, stride))
        });
        let scale = (layers.norm == ResNetNorm::None).then(|| {
            let zero = Tensor::zeros([1], (path.kind(), path.device()));
            path.add("scale", zero, true)
        });
        Self { layers: branch, shortcut, scale, channels }
    }

    /// Channels of its map.
    pub fn channels(&self) -> i64 {
        self.channels
    }

    /// Normalizes over the images of all ranks.
    pub fn synchronize(&mut self, group: &Rc<Group>) {
        let layers = self.layers.iter_mut().chain(&mut self.shortcut);
        layers.for_each(|layer| layer.synchronize(group));
    }

    /// In place where the gradient doesn't need what is overwritten: neither normalization nor
    /// convolution keeps what it gave.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let (last, first) = self.layers.split_last().expect("a block has layers");
        let mut branch = x.shallow_clone();
        for layer in first {
            branch = layer.forward(&branch, mode).relu_();
        }
        let branch = last.forward(&branch, mode);
        let mut sum = match &self.scale {
            Some(scale) => &branch * scale.to_kind(branch.kind()),
            None => branch,
        };
        match &self.shortcut {
            Some(shortcut) => sum += shortcut.forward(x, mode),
            None => sum += x,
        }
        sum.relu_()
    }
}
