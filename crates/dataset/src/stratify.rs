//! A validation part of the training images with the same class balance, the same on every machine.

/// Rows to fit on and rows to validate on, both ascending.
#[derive(Debug, PartialEq, Eq)]
pub struct TrainValSplit {
    /// Those to fit on.
    pub fit: Vec<u32>,
    /// Those held out.
    pub validation: Vec<u32>,
}

/// Holds out `share` of every class, rounded, yet leaves at least one image of it on both sides.
///
/// A class with one image is fitted on and not validated. Which images of a class are held out
/// follows from a fixed hash of (seed, row), so it does not follow the order that the images were
/// collected in.
pub fn stratified_holdout(labels: &[i64], share: f64, seed: u64) -> TrainValSplit {
    let (mut fit, mut validation) = (Vec::new(), Vec::new());
    for class in rows_by_class(labels, seed) {
        let wanted = (class.rows.len() as f64 * share).round() as usize;
        let held_out = wanted.max(1).min(class.rows.len() - 1);
        validation.extend(&class.rows[..held_out]);
        fit.extend(&class.rows[held_out..]);
    }
    fit.sort_unstable();
    validation.sort_unstable();
    TrainValSplit { fit, validation }
}

/// Up to `folds` splits for cross-validation: every image of a class of at least two is validated
/// on once, and every class keeps at least one image to fit on.
///
/// The shuffled images of each class are dealt to the folds in turn, each class beginning where the
/// one before ended: folds differ by at most one image, overall and in each class. A class with one
/// image is fitted on and never validated. There are fewer folds where fewer images can be
/// validated on, and none where no class has two. The shuffle is that of [`stratified_holdout`].
pub fn stratified_folds(labels: &[i64], folds: usize, seed: u64) -> Vec<TrainValSplit> {
    let classes = rows_by_class(labels, seed);
    let validated = classes.iter().filter(|class| class.rows.len() > 1);
    let rows: Vec<u32> = validated.flat_map(|class| class.rows.iter().copied()).collect();
    let folds = folds.min(rows.len());
    if folds < 2 {
        return Vec::new();
    }
    let split = |fold| {
        let mut validation: Vec<u32> = rows.iter().copied().skip(fold).step_by(folds).collect();
        validation.sort_unstable();
        let held_out = |row: &u32| validation.binary_search(row).is_ok();
        let fit = (0..labels.len() as u32).filter(|row| !held_out(row)).collect();
        TrainValSplit { fit, validation }
    };
    (0..folds).map(split).collect()
}

/// The images of one class, by [`rows_by_class`].
#[derive(Debug, PartialEq, Eq)]
pub struct ClassRows {
    /// The label.
    pub label: i64,
    /// At least one row, shuffled.
    pub rows: Vec<u32>,
}

/// The rows of each class, classes ascending and the rows of each shuffled: ordered by a fixed hash
/// of (seed, row).
pub fn rows_by_class(labels: &[i64], seed: u64) -> Vec<ClassRows> {
    let mut keyed: Vec<(i64, u64, u32)> = (0u32..)
        .zip(labels)
        .map(|(row, &label)| (label, splitmix64(splitmix64(seed).wrapping_add(row.into())), row))
        .collect();
    keyed.sort_unstable();
    let classes = keyed.chunk_by(|a, b| a.0 == b.0);
    let class = |class: &[(i64, u64, u32)]| ClassRows {
        label: class[0].0,
        rows: class.iter().map(|&(_, _, row)| row).collect(),
    };
    classes.map(class).collect()
}

/// The output function of SplitMix64: a fixed bijection that scatters neighboring integers.
///
/// # Reference
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
pub fn splitmix64(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_is_splitmix64() {
        // First outputs of the generator seeded with 1234567.
        assert_eq!(splitmix64(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(
            splitmix64(1_234_567u64.wrapping_add(0x9e37_79b9_7f4a_7c15)),
            3_203_168_211_198_807_973
        );
    }

    #[test]
    fn single_images_are_fitted_on() {
        let holdout = stratified_holdout(&[0, 1, 2], 0.2, 0);
        assert_eq!(holdout, TrainValSplit { fit: vec![0, 1, 2], validation: vec![] });
    }

    #[test]
    fn held_out_rows_do_not_follow_the_order() {
        let labels = vec![0; 1000];
        let holdout = stratified_holdout(&labels, 0.2, 0);
        let early = holdout.validation.iter().filter(|&&row| row < 500).count();
        assert!((70..130).contains(&early), "{early} of 200 in the first half");
        assert_ne!(holdout, stratified_holdout(&labels, 0.2, 1), "the seed counts");
    }

    #[test]
    fn folds_are_fewer_where_there_are_fewer_images() {
        assert_eq!(stratified_folds(&[0, 1, 2], 5, 0), [], "single images are not validated on");
        let folds = stratified_folds(&[0, 0, 1, 2, 2], 5, 0);
        let validation: Vec<_> = folds.iter().map(|fold| fold.validation.len()).collect();
        assert_eq!(validation, [1, 1, 1, 1]);
        assert!(folds.iter().all(|fold| fold.fit.contains(&2) && fold.fit.len() == 4));
        assert_eq!(stratified_folds(&[0; 10], 1, 0), [], "one fold leaves nothing to fit on");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_image_is_validated_on_once(
            labels in prop::collection::vec(0i64..6, 1..80), folds in 2usize..7, seed: u64,
        ) {
            let splits = stratified_folds(&labels, folds, seed);
            prop_assert_eq!(&splits, &stratified_folds(&labels, folds, seed));
            let count = |rows: &[u32], class| {
                rows.iter().filter(|&&row| labels[row as usize] == class).count()
            };
            let all: Vec<u32> = (0..labels.len() as u32).collect();
            for split in &splits {
                let mut both = [split.fit.clone(), split.validation.clone()].concat();
                both.sort_unstable();
                prop_assert_eq!(&both, &all);
            }
            let extremes = |sizes: Vec<usize>| {
                sizes.iter().max().unwrap_or(&0) - sizes.iter().min().unwrap_or(&0)
            };
            prop_assert!(extremes(splits.iter().map(|s| s.validation.len()).collect()) <= 1);
            for class in 0..6 {
                let total = count(&all, class);
                let held: Vec<usize> =
                    splits.iter().map(|split| count(&split.validation, class)).collect();
                let once = if total > 1 { total } else { 0 };
                prop_assert!(splits.is_empty() || held.iter().sum::<usize>() == once);
                prop_assert!(total == 0 || splits.iter().all(|s| count(&s.fit, class) > 0));
                prop_assert!(extremes(held) <= 1);
            }
        }

        #[test]
        fn a_partition_with_the_share_of_every_class(
            labels in prop::collection::vec(0i64..4, 1..200), share in 0.05f64..0.6, seed: u64,
        ) {
            let holdout = stratified_holdout(&labels, share, seed);
            let mut all: Vec<u32> = [holdout.fit.clone(), holdout.validation.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len() as u32).collect::<Vec<_>>());
            for class in 0..4 {
                let of_class = |row: &&u32| labels[**row as usize] == class;
                let count = |rows: &[u32]| rows.iter().filter(of_class).count();
                let (fit, held) = (count(&holdout.fit), count(&holdout.validation));
                let total = fit + held;
                if total >= 2 {
                    prop_assert!(fit >= 1 && held >= 1);
                    prop_assert!((held as f64 - total as f64 * share).abs() <= 1.0);
                }
            }
        }
    }
}
