//! Random numbers of a view, by a counter-based generator keyed by seed, epoch, image and view.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Everything that a view's random parameters depend on, besides the recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViewKey {
    /// The seed of the run.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: u32,
    /// The image's number, unique over all streams of a run.
    pub image: u64,
    /// The view's number within the image.
    pub view: u32,
}

/// A stream of random numbers that belongs to one view.
pub(crate) struct ViewRng(ChaCha8Rng);

impl ViewRng {
    /// The stream of `key`: ChaCha8 whose 256-bit key holds the fields in little-endian order.
    pub fn new(key: ViewKey) -> ViewRng {
        Self::keyed(key, b"ViewDraw")
    }

    /// Another stream, for the view's mask, so that a mask changes nothing else of a view.
    pub fn of_mask(key: ViewKey) -> ViewRng {
        Self::keyed(key, b"MaskDraw")
    }

    fn keyed(key: ViewKey, stream: &[u8; 8]) -> ViewRng {
        let mut seed = [0; 32];
        seed[0..8].copy_from_slice(&key.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&key.image.to_le_bytes());
        seed[16..20].copy_from_slice(&key.epoch.to_le_bytes());
        seed[20..24].copy_from_slice(&key.view.to_le_bytes());
        seed[24..32].copy_from_slice(stream);
        ViewRng(ChaCha8Rng::from_seed(seed))
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-32.
    pub fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// Uniform between `low` and `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in `0..count`, by multiplication (the bias is below `count / 2^32`).
    pub fn below(&mut self, count: usize) -> usize {
        ((u64::from(self.0.next_u32()) * count as u64) >> 32) as usize
    }

    /// Puts `items` in a random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
