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
