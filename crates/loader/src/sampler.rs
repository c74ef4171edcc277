//! The order of a split in an epoch: a pure function of seed, epoch and stream.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Which of a run's shuffled streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Unlabeled = 0,
    Labeled = 1,
}

/// Fills `order` with a permutation of its indices (Fisher-Yates with ChaCha8).
pub(crate) fn shuffle(order: &mut [u32], seed: u64, epoch: u32, stream: Stream) {
    let mut key = [0; 32];
    key[0..8].copy_from_slice(&seed.to_le_bytes());
    key[8..12].copy_from_slice(&epoch.to_le_bytes());
    key[12..16].copy_from_slice(&(stream as u32).to_le_bytes());
    key[24..32].copy_from_slice(b"DrawOrdr");
    let mut random = ChaCha8Rng::from_seed(key);
    for (i, index) in order.iter_mut().enumerate() {
        *index = i as u32;
    }
    for last in (1..order.len()).rev() {
        // By multiplication: the bias is below len / 2^32.
        let below = (u64::from(random.next_u32()) * (last as u64 + 1)) >> 32;
        order.swap(last, below as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64, epoch: u32, stream: Stream) -> Vec<u32> {
        let mut order = vec![7; 100];
        shuffle(&mut order, seed, epoch, stream);
        order
    }

    #[test]
    fn is_a_permutation() {
        let mut sorted = order(1, 2, Stream::Unlabeled);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<u32>>());
    }

    #[test]
    fn depends_on_every_part_of_the_key_and_nothing_else() {
        let base = order(1, 2, Stream::Unlabeled);
        assert_eq!(base, order(1, 2, Stream::Unlabeled));
        assert_ne!(base, order(3, 2, Stream::Unlabeled));
        assert_ne!(base, order(1, 3, Stream::Unlabeled));
        assert_ne!(base, order(1, 2, Stream::Labeled));
    }

    #[test]
    fn puts_every_index_everywhere_equally_often() {
        let mut counts = [[0u32; 5]; 5];
        for epoch in 0..5000 {
            let mut order = [0; 5];
            shuffle(&mut order, 9, epoch, Stream::Labeled);
            for (place, &index) in order.iter().enumerate() {
                counts[place][index as usize] += 1;
            }
        }
        // Expected 1000 each, standard deviation 28.
        let all = counts.as_flattened();
        assert!(all.iter().all(|count| (860..1140).contains(count)), "{counts:?}");
    }
}
