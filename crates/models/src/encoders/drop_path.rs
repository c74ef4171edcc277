//! Which branches stochastic depth leaves out.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tch::Tensor;

/// Key of the branches that stochastic depth leaves out in a forward pass. What is left out for an
/// image depends on the seed, the step and the image's place among the views of the step alone, not
/// on how many images are encoded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropPathKey {
    /// The run's seed.
    pub seed: u64,
    /// Steps made before this one.
    pub step: u64,
    /// Place of the first image among all views of the step.
    pub first: u64,
}

/// Keeps these numbers apart from others that are drawn by the same seed.
const STREAM: u64 = 0x0064_726f_7070_6174;

impl DropPathKey {
    /// What the two branches of each block are multiplied by, for `images` images from the first
    /// one on: 0 with the probability of `rates`, one a block, else 1 / (1 - it), so that the mean
    /// is 1.
    ///
    /// # Shapes
    /// `[2 * blocks, images]`, float64 on the CPU; rows are the branches of the first block, then
    /// those of the second one, and so on.
    ///
    /// # Reference
    /// Huang et al. 2016, arXiv 1603.09382, section 3; drawn for each image, as in timm.
    pub fn draw(self, rates: &[f64], images: u64) -> Tensor {
        let branches = 2 * rates.len();
        let mut kept = Vec::with_capacity(branches * images as usize);
        for image in 0..images {
            let mut random = self.generator(self.first + image);
            for rate in rates.iter().flat_map(|rate| [rate; 2]) {
                // Uniform in [0, 1).
                let keep = f64::from(random.next_u32()) / (1u64 << 32) as f64 >= *rate;
                kept.push(if keep { 1.0 / (1.0 - rate) } else { 0.0 });
            }
        }
        Tensor::from_slice(&kept).view([images as i64, branches as i64]).tr().contiguous()
    }

    fn generator(self, image: u64) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        for (part, number) in key.chunks_exact_mut(8).zip([self.seed, self.step, image, STREAM]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: DropPathKey = DropPathKey { seed: 7, step: 3, first: 0 };

    #[test]
    fn what_is_dropped_depends_on_seed_step_and_place_alone() {
        let rates = [0.3, 0.5];
        let all = KEY.draw(&rates, 64);
        assert_eq!(all.size(), [4, 64]);
        let part = DropPathKey { first: 10, ..KEY }.draw(&rates, 20);
        assert_eq!(part, all.narrow(1, 10, 20));
        assert_ne!(all, DropPathKey { step: 4, ..KEY }.draw(&rates, 64));
        assert_ne!(all, DropPathKey { seed: 8, ..KEY }.draw(&rates, 64));
    }

    #[test]
    fn branches_are_dropped_as_often_as_asked_for_and_the_mean_is_1() {
        let images = 20_000;
        let kept = KEY.draw(&[0.0, 0.25], images);
        assert_eq!(
            kept.narrow(0, 0, 2),
            Tensor::ones([2, images as i64], (tch::Kind::Double, tch::Device::Cpu))
        );
        for branch in [2, 3] {
            let kept = kept.get(branch);
            let share = kept.eq(0.0).to_kind(tch::Kind::Double).mean(tch::Kind::Double);
            // Four deviations of a mean of 20,000.
            assert!((share.double_value(&[]) - 0.25).abs() < 0.0123, "{share}");
            let mean = kept.mean(tch::Kind::Double).double_value(&[]);
            assert!((mean - 1.0).abs() < 0.0164, "{mean}");
        }
        // Two branches are drawn apart.
        assert_ne!(kept.get(2), kept.get(3));
    }
}
