//! Statistics of a dataset: counts, and the mean and standard deviation of each channel.

use rayon::prelude::*;
use serde::Serialize;

use crate::{Dataset, Split};

/// Largest number of images of a split that means and deviations are computed from.
const MEASURED: usize = 10_000;

/// Counts and statistics of a set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Kind of source.
    pub kind: &'static str,
    /// Content hash, see [`Dataset::fingerprint`].
    pub fingerprint: String,
    /// Width of every image, in pixels.
    pub width: usize,
    /// Height of every image, in pixels.
    pub height: usize,
    /// One name a class, in label order.
    pub class_names: Vec<String>,
    /// Predefined folds of the training images: images in each.
    pub fold_sizes: Vec<usize>,
    /// Its splits.
    pub splits: Vec<SplitDescription>,
}

/// Counts and statistics of a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitDescription {
    /// "unlabeled", "train" or "test".
    pub name: &'static str,
    /// Number of images.
    pub images: usize,
    /// Whether these are the training images, because there are no unlabeled ones.
    pub same_as_train: bool,
    /// Images of each class, in label order; `None` without labels.
    pub class_counts: Option<Vec<usize>>,
    /// Mean of the red, green and blue values, in 0..=1.
    pub mean: [f64; 3],
    /// Their standard deviation over all pixels, in 0..=1.
    pub std: [f64; 3],
    /// Number of images, evenly spaced, that `mean` and `std` are computed from.
    pub measured_images: usize,
}

/// Describes `dataset`; means and deviations are over at most 10,000 evenly spaced images of each
/// split.
pub fn describe(dataset: &Dataset) -> Description {
    let splits = dataset.splits().map(|(name, split)| {
        let same_as_train = name == "unlabeled" && dataset.unlabeled_is_train();
        let class_counts =
            split.labels().map(|labels| count_classes(labels, dataset.class_names.len()));
        let measured = split.evenly_spaced(MEASURED);
        let (mean, std) = mean_and_std(split, &measured);
        let (images, measured_images) = (split.len(), measured.len());
        SplitDescription { name, images, same_as_train, class_counts, mean, std, measured_images }
    });
    Description {
        kind: dataset.kind,
        fingerprint: dataset.fingerprint(),
        width: dataset.unlabeled.width(),
        height: dataset.unlabeled.height(),
        class_names: dataset.class_names.clone(),
        fold_sizes: dataset.folds.iter().map(Vec::len).collect(),
        splits: splits.collect(),
    }
}

fn count_classes(labels: &[u16], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[usize::from(label)] += 1;
    }
    counts
}

/// From sums of whole numbers, so that the number of threads does not matter.
fn mean_and_std(split: &Split, indices: &[usize]) -> ([f64; 3], [f64; 3]) {
    let area = split.width() * split.height();
    let sums = indices.par_iter().map(|&index| {
        let mut planes = split.image(index).bytes.chunks_exact(area);
        std::array::from_fn(|_| sums_of(planes.next().expect("three planes")))
    });
    let add = |a: [(u64, u64); 3], b: [(u64, u64); 3]| {
        std::array::from_fn(|c| (a[c].0 + b[c].0, a[c].1 + b[c].1))
    };
    let sums = sums.reduce(|| [(0, 0); 3], add);
    let pixels = (indices.len() * area).max(1) as f64;
    let mean = sums.map(|(sum, _)| sum as f64 / pixels);
    let variance: [f64; 3] =
        std::array::from_fn(|c| (sums[c].1 as f64 / pixels - mean[c] * mean[c]).max(0.0));
    (mean.map(|mean| mean / 255.0), variance.map(|variance| variance.sqrt() / 255.0))
}

/// Sum of the values, and of their squares.
fn sums_of(plane: &[u8]) -> (u64, u64) {
    let mut sums = (0, 0);
    // In runs short enough for 32-bit sums of squares, which make twice as much of a vector
    // register.
    for run in plane.chunks(1 << 16) {
        let sum: u32 = run.iter().map(|&value| u32::from(value)).sum();
        let squares: u32 = run.iter().map(|&value| u32::from(value) * u32::from(value)).sum();
        sums.0 += u64::from(sum);
        sums.1 += u64::from(squares);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelOrder;

    #[test]
    fn means_deviations_and_class_counts_are_those_of_the_pixels() {
        // Two images of 2 x 1 pixels: red 0 255 | 255 0, green all 51, blue 0 0 | 255 255.
        let bytes = vec![0, 255, 51, 51, 0, 0, 255, 0, 51, 51, 255, 255];
        let train = Split::in_memory(bytes, Some(vec![2, 2]), 2, 1, PixelOrder::RowMajor);
        let class_names = ["a", "b", "c"].map(String::from).to_vec();
        let dataset = Dataset {
            kind: "test",
            unlabeled: train.without_labels(),
            train: Some(train),
            test: None,
            class_names,
            folds: vec![vec![1]],
        };
        let description = describe(&dataset);
        let [unlabeled, train] = &description.splits[..] else { panic!("{description:?}") };
        assert!(unlabeled.same_as_train && !train.same_as_train);
        assert_eq!(train.class_counts.as_deref(), Some(&[0, 0, 2][..]));
        assert_eq!((train.images, train.measured_images), (2, 2));
        for (found, expected) in
            train.mean.iter().chain(&train.std).zip([0.5, 0.2, 0.5, 0.5, 0.0, 0.5])
        {
            assert!((found - expected).abs() < 1e-12, "{description:?}");
        }
        assert_eq!(description.fold_sizes, [1]);
    }

    #[test]
    fn squares_of_a_large_bright_plane_do_not_overflow() {
        assert_eq!(sums_of(&vec![255; 200_000]), (255 * 200_000, 65_025 * 200_000));
    }
}
