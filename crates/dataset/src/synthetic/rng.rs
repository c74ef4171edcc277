//! Random numbers of one image, from ChaCha8 with the image's index as stream.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A sequence of draws that depends on its four keys alone.
pub(crate) struct PatternRng(ChaCha8Rng);

impl PatternRng {
    /// The draws for item `index` of `part`, for one `purpose`.
    pub fn new(seed: u64, part: u8, purpose: u8, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = part;
        key[9] = purpose;
        key[16..].copy_from_slice(b"procedural set 1");
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(index);
        Self(generator)
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.0.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0);
        low + unit * (high - low)
    }

    /// Uniform in `0..n`; the bias is below `n / 2^32`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// A point on the unit circle, as (cosine, sine) of a uniform angle.
    ///
    /// Drawn by rejection, because the sine of the standard library differs between platforms.
    pub fn direction(&mut self) -> (f32, f32) {
        loop {
            let (x, y) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 1e-3 && square <= 1.0 {
                let norm = square.sqrt();
                return (x / norm, y / norm);
            }
        }
    }

    /// A small turn to either side, as (cosine, sine): up to 24 degrees.
    pub fn tilt(&mut self) -> (f32, f32) {
        let sine = self.uniform(-0.4, 0.4);
        ((1.0 - sine * sine).sqrt(), sine)
    }

    /// Uniform bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}
