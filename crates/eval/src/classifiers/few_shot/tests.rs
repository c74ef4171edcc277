use proptest::prelude::*;

use super::*;

fn settings(labels_per_class: &[usize]) -> FewShotSettings {
    FewShotSettings { labels_per_class: labels_per_class.to_vec(), repeats: 5, seed: 0 }
}

#[test]
fn numbers_below_one_and_classes_with_too_few_images_are_refused() {
    let labels = [0, 0, 0, 4, 4];
    assert_eq!(settings(&[1, 2]).check(&labels), Ok(()));
    let error = settings(&[1, 3]).check(&labels).unwrap_err();
    assert_eq!(error, Error::TooFewOfClass { class: 4, expected: 3, found: 2 });
    assert_eq!(
        error.to_string(),
        "expected at least 3 labeled training images of every class, found 2 of class 4"
    );
    for (bad, name) in [
        (settings(&[0]), "labels_per_class"),
        (FewShotSettings { repeats: 0, ..settings(&[1]) }, "repeats"),
    ] {
        let error = bad.check(&labels).unwrap_err();
        assert!(matches!(error, Error::BadSetting { name: found, .. } if found == name));
    }
}

#[test]
fn subsets_and_seeds_give_other_images() {
    let labels = vec![0; 1000];
    let few = settings(&[10]);
    let first = few.rows(&labels, 10, 0).unwrap();
    assert_ne!(few.rows(&labels, 10, 1).unwrap(), first);
    let other = FewShotSettings { seed: 1, ..few };
    assert_ne!(other.rows(&labels, 10, 0).unwrap(), first);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_subset_has_as_many_of_every_class_and_holds_the_smaller_ones(
        labels in prop::collection::vec(0i64..3, 60..120), seed: u64, subset in 0u64..5,
    ) {
        let few = FewShotSettings { seed, ..settings(&[]) };
        let fewest = (0..3).map(|class| labels.iter().filter(|&&l| l == class).count());
        let fewest = fewest.min().unwrap();
        let mut smaller = Vec::new();
        for count in 1..=fewest {
            let rows = few.rows(&labels, count, subset).unwrap();
            prop_assert!(rows.is_sorted_by(|a, b| a < b));
            for class in 0..3 {
                let of_class = rows.iter().filter(|&&row| labels[row as usize] == class);
                prop_assert_eq!(of_class.count(), count);
            }
            prop_assert!(smaller.iter().all(|row| rows.contains(row)));
            smaller = rows;
        }
        prop_assert!(few.rows(&labels, fewest + 1, subset).is_err());
    }
}
