//! Blocks of patches that a view hides, for methods that predict them (masked image modeling).

use crate::ViewKey;
use crate::error::{Error, in_range};
use crate::view_rng::ViewRng;

/// How often a block is drawn that fits before a mask stays as it is.
const TRIES: usize = 10;
/// Smallest area of a block that is asked for, in patches; fewer where fewer are missing.
const LEAST_AREA: f64 = 4.0;
/// Smallest ratio of height and width of a block; the largest is its inverse.
const LEAST_ASPECT: f64 = 0.3;
/// Least number of patches in a row: blocks are smaller than the view.
const LEAST_GRID: usize = 3;

/// Masks of the patches of a view: with some probability a share of them, in blocks. A mask is a
/// part of its view: it depends on the view's key alone, not on the batch.
///
/// # Reference
/// Bao et al. 2021, arXiv 2106.08254, algorithm 1, with the numbers of DINOv2 (Oquab et al. 2023,
/// arXiv 2304.07193, and its code).
///
/// # Differs from the source
/// DINOv2 masks exactly half of the views of a batch, with ratios that are spread evenly over the
/// range. Here each view is masked with its own probability, and its ratio is uniform in the range:
/// the same in the mean, whatever the size of the batch and the number of processes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockMask {
    /// Patches in a row and in a column of a view, 3 and more.
    pub grid: usize,
    /// Probability that a view is masked, in 0..=1.
    pub probability: f64,
    /// Smallest and largest share of the patches of a masked view, above 0 and below 1.
    pub ratio: [f64; 2],
}

impl BlockMask {
    /// Patches of a view.
    pub fn patches(&self) -> usize {
        self.grid * self.grid
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first one that cannot be used.
    pub fn validate(&self) -> Result<(), Error> {
        in_range("probability", self.probability, 0.0, 1.0)?;
        let error = |key: &str, expected: &str, found: String| {
            let (key, expected) = (key.to_owned(), expected.to_owned());
            Err(Error { key, expected, found })
        };
        let [low, high] = self.ratio;
        if !(0.0 < low && low <= high && high < 1.0) {
            let expected = "[low, high] with 0 < low <= high < 1";
            return error("ratio", expected, format!("[{low}, {high}]"));
        }
        if self.grid < LEAST_GRID {
            return error("grid", "at least 3 patches in a row", self.grid.to_string());
        }
        Ok(())
    }

    /// Writes the mask of the view that `key` stands for, patches row by row: 1 for a hidden one,
    /// else 0.
    ///
    /// # Panics
    /// If `mask` has another length than [`patches`](Self::patches).
    pub fn draw(&self, key: ViewKey, mask: &mut [u8]) {
        assert_eq!(mask.len(), self.patches(), "a byte for every patch");
        mask.fill(0);
        let mut rng = ViewRng::of_mask(key);
        if rng.chance(self.probability) {
            let ratio = rng.uniform(self.ratio[0], self.ratio[1]);
            let asked = (self.patches() as f64 * ratio) as usize;
            self.cover(&mut rng, asked, mask);
        }
    }

    /// Hides up to `asked` patches, in blocks.
    pub(crate) fn cover(&self, rng: &mut ViewRng, asked: usize, mask: &mut [u8]) {
        let mut missing = asked;
        while missing > 0 {
            match self.add_block(rng, missing, mask) {
                0 => return,
                added => missing -= added,
            }
        }
    }

    /// Hides a block that adds between 1 and `missing` patches, and gives their number; 0 where
    /// none was found.
    fn add_block(&self, rng: &mut ViewRng, missing: usize, mask: &mut [u8]) -> usize {
        for _ in 0..TRIES {
            let area = rng.uniform(LEAST_AREA, missing as f64);
            let bound = -LEAST_ASPECT.ln();
            let aspect = rng.uniform(-bound, bound).exp();
            let height = (area * aspect).sqrt().round_ties_even() as usize;
            let width = (area / aspect).sqrt().round_ties_even() as usize;
            if height >= self.grid || width >= self.grid {
                continue;
            }
            let (top, left) = (rng.below(self.grid - height + 1), rng.below(self.grid - width + 1));
            let rows = || (top..top + height).map(|row| row * self.grid + left);
            let hidden = |mask: &[u8]| -> usize {
                let bytes = rows().flat_map(|start| &mask[start..start + width]);
                bytes.filter(|&&byte| byte == 1).count()
            };
            let added = height * width - hidden(mask);
            if (1..=missing).contains(&added) {
                rows().for_each(|start| mask[start..start + width].fill(1));
                return added;
            }
        }
        0
    }
}
