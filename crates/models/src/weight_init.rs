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
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_stream_and_name_alone() {
        let rule = Init::GlorotUniform { fan_in: 20, fan_out: 4 };
        let rng = WeightRng { seed: 1, stream: WeightStream::Student };
        let first = rng.draw("a", &[4, 20], rule);
        assert_eq!(first, rng.draw("a", &[4, 20], rule));
        assert_ne!(first, rng.draw("b", &[4, 20], rule));
        assert_ne!(first, WeightRng { seed: 2, ..rng }.draw("a", &[4, 20], rule));
        assert_ne!(
            first,
            WeightRng { stream: WeightStream::Teacher, ..rng }.draw("a", &[4, 20], rule)
        );
    }

    #[test]
    fn numbers_of_streams_are_fixed() {
        use WeightStream::*;
        let numbers = [Student, Teacher, Probe, Method, Classifier].map(|stream| stream as u64);
        assert_eq!(numbers, [0, 1, 2, 3, 4], "initial weights depend on them");
    }

    #[test]
    fn unit_rows_point_everywhere() {
        let rng = WeightRng { seed: 7, stream: WeightStream::Student };
        let rows = rng.draw("q", &[4000, 3], Init::UnitRows);
        let norms = rows.square().sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
        assert!((norms - 1.0).abs().max().double_value(&[]) < 1e-6);
        // On the sphere in three dimensions each coordinate is uniform in -1..1.
        for column in 0..3 {
            let x = rows.select(1, column);
            assert!(x.mean(Kind::Float).double_value(&[]).abs() < 0.05);
            assert!((x.square().mean(Kind::Float).double_value(&[]) - 1.0 / 3.0).abs() < 0.02);
            assert!(x.max().double_value(&[]) > 0.99 && x.min().double_value(&[]) < -0.99);
        }
    }

    #[test]
    fn kaiming_has_the_variance_and_the_tails_of_a_normal_distribution() {
        let rng = WeightRng { seed: 7, stream: WeightStream::Student };
        let draw = rng.draw("w", &[40_000], Init::KaimingNormal { fan_out: 50 });
        let (mean, deviation) = (draw.mean(Kind::Float), draw.std(false));
        assert!(mean.double_value(&[]).abs() < 0.003, "{mean}");
        assert!((deviation.double_value(&[]) - 0.2).abs() < 0.003, "{deviation}");
        // 4.55 % are further than two deviations from the mean.
        let far = draw.abs().gt(0.4).to_kind(Kind::Float).mean(Kind::Float);
        assert!((far.double_value(&[]) - 0.0455).abs() < 0.004, "{far}");
    }

    #[test]
    fn glorot_fills_its_interval() {
        let rng = WeightRng { seed: 7, stream: WeightStream::Student };
        let draw = rng.draw("w", &[20_000], Init::GlorotUniform { fan_in: 100, fan_out: 50 });
        let bound = 0.2; // sqrt(6 / 150)
        let (low, high) = (draw.min().double_value(&[]), draw.max().double_value(&[]));
        assert!(low > -bound && low < -0.99 * bound, "{low}");
        assert!(high < bound && high > 0.99 * bound, "{high}");
        let deviation = draw.std(false).double_value(&[]);
        assert!((deviation - bound / 3f64.sqrt()).abs() < 0.002, "{deviation}");
    }
}
