//! Initial weights: a pure function of (seed, stream, parameter name), the same on every device.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tch::{Kind, Tensor};

/// Random generator of the initial weights of one network.
#[derive(Clone, Copy, Debug)]
pub struct WeightRng {
    /// The run's seed.
    pub seed: u64,
    /// Which network the weights are for.
    pub stream: WeightStream,
}

/// Random streams of initial weights. Networks of one run that must not start equal draw from
/// different streams; the number is part of the generator's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum WeightStream {
    /// Encoder and projection head that are trained.
    Student = 0,
    /// A teacher that starts with weights of its own.
    Teacher = 1,
    /// The linear probe that is trained alongside.
    Probe = 2,
    /// What a method registers: prototypes, queues, predictors.
    Method = 3,
    /// The classifier of fine-tuning.
    Classifier = 4,
}

/// A rule for initial values.
#[derive(Clone, Copy, Debug)]
pub enum Init {
    /// Uniform in `±sqrt(6 / (fan_in + fan_out))`.
    ///
    /// # Reference
    /// Glorot and Bengio 2010, equation 16; the default of Keras' dense and convolution layers.
    GlorotUniform {
        /// Inputs that one output sums over.
        fan_in: i64,
        /// Outputs that one input reaches.
        fan_out: i64,
    },
    /// Normal with mean 0 and variance `2 / fan_out`.
    ///
    /// # Reference
    /// He et al. 2015, arXiv 1502.01852, equation 14; the convolutions of torchvision's residual
    /// networks.
    KaimingNormal {
        /// Outputs that one input reaches.
        fan_out: i64,
    },
    /// Normal with mean 0.
    Normal {
        /// Its standard deviation.
        deviation: f64,
    },
    /// Uniform in `±bound`.
    Uniform {
        /// Largest magnitude.
        bound: f64,
    },
    /// Rows of unit length in directions that are uniform on the sphere; for two dimensions.
    UnitRows,
    /// All zero.
    Zeros,
}

impl WeightRng {
    /// Values for the parameter called `name`: float32, contiguous, of `shape`.
    pub fn draw(&self, name: &str, shape: &[i64], init: Init) -> Tensor {
        let count: i64 = shape.iter().product();
        match init {
            Init::Zeros => Tensor::zeros(shape, (Kind::Float, tch::Device::Cpu)),
            Init::GlorotUniform { fan_in, fan_out } => {
                let bound = (6.0 / (fan_in + fan_out) as f64).sqrt();
                self.draw(name, shape, Init::Uniform { bound })
            }
            Init::Uniform { bound } => {
                let mut random = self.generator(name);
                let values: Vec<f32> = (0..count)
                    .map(|_| ((2.0 * unit_interval(&mut random) - 1.0) * bound) as f32)
                    .collect();
                Tensor::from_slice(&values).view(shape)
            }
            Init::KaimingNormal { fan_out } => {
                let deviation = (2.0 / fan_out as f64).sqrt();
                self.draw(name, shape, Init::Normal { deviation })
            }
            Init::Normal { deviation } => {
                let mut random = self.generator(name);
                let values: Vec<f32> =
                    (0..count).map(|_| (deviation * normal(&mut random)) as f32).collect();
                Tensor::from_slice(&values).view(shape)
            }
            Init::UnitRows => {
                let mut random = self.generator(name);
                let columns = shape[shape.len() - 1].max(1) as usize;
                let mut values: Vec<f64> = (0..count).map(|_| normal(&mut random)).collect();
                for row in values.chunks_mut(columns) {
                    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
                    row.iter_mut().for_each(|x| *x /= norm);
                }
                Tensor::from_slice(&values).to_kind(Kind::Float).view(shape)
            }
        }
    }

    /// A generator that depends on the seed, the stream and the name alone.
    fn generator(&self, name: &str) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&(self.stream as u64).to_le_bytes());
        key[16..24].copy_from_slice(&fnv1a(name).to_le_bytes());
        ChaCha8Rng::from_seed(key)
    }
}

/// Uniform in [0, 1): 24 random bits give every multiple of 2^-24.
fn unit_interval(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32() >> 8) / f64::from(1u32 << 24)
}

/// Normal with mean 0 and variance 1, by the transform of Box and Muller.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - unit_interval(random)).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit_interval(random)).cos()
}

/// The 64-bit FNV-1a hash, which keeps parameter names apart.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
