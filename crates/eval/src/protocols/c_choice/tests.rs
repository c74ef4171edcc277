use std::collections::HashMap;

use super::*;

fn scores(accuracies: &[f64]) -> Vec<CScore> {
    let score = |&accuracy: &f64| CScore { c: 1.0, accuracy, cross_entropy: 1.0 };
    accuracies.iter().map(score).collect()
}

#[test]
fn larger_values_of_c_are_left_out_once_worse_for_long() {
    assert!(!settled(&[], 2));
    assert!(!settled(&scores(&[0.5, 0.4]), 2));
    assert!(settled(&scores(&[0.5, 0.4, 0.4]), 2));
    assert!(!settled(&scores(&[0.5, 0.4, 0.5]), 2), "an equal score is not worse");
    assert!(!settled(&scores(&[0.5, 0.4, 0.5, 0.4]), 2));
}

#[test]
fn of_equal_accuracies_the_lowest_cross_entropy_is_best() {
    let mut scores = scores(&[0.4, 0.5, 0.5, 0.5, 0.3]);
    assert_eq!(best_of(&scores), 1, "all equal: the smallest C");
    scores[2].cross_entropy = 0.9;
    scores[4].cross_entropy = 0.1;
    assert_eq!(best_of(&scores), 2);
}

/// The scores that scikit-learn gives to every C on the same folds.
#[test]
fn golden_scores_of_every_c() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let tensors = Tensor::read_safetensors(format!("{folder}/linear_choice.safetensors"));
    let tensors: HashMap<String, Tensor> = tensors.unwrap().into_iter().collect();
    let text = std::fs::read_to_string(format!("{folder}/linear_choice.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for case in json["cases"].as_array().unwrap() {
        let get = |key: &str| &tensors[&format!("{}.{key}", case["name"].as_str().unwrap())];
        let integers = |key| Vec::<i64>::try_from(get(key)).unwrap();
        let labels: Vec<u16> = integers("train_y").iter().map(|&label| label as u16).collect();
        let train = Features::new(get("train_x").shallow_clone(), &labels).unwrap();
        let folds = integers("fold");
        let rows = |of: &dyn Fn(i64) -> bool| -> Vec<u32> {
            (0u32..).zip(&folds).filter(|(_, fold)| of(**fold)).map(|(row, _)| row).collect()
        };
        let split = |number| TrainValSplit {
            fit: rows(&|fold| fold != number),
            validation: rows(&|fold| fold == number),
        };
        let settings = LinearSettings {
            patience: usize::MAX,
            solver: LogisticSettings { tolerance: 1e-9, ..LogisticSettings::default() },
            ..LinearSettings::default()
        };
        let found = CChoice::by(&train, &[split(0), split(1)], &settings).unwrap();
        let expected = case["validation"].as_array().unwrap();
        assert_eq!((found.scores.len(), found.images), (expected.len(), labels.len()));
        for (score, expected) in found.scores.iter().zip(expected) {
            let number = |key: &str| expected[key].as_f64().unwrap();
            assert!((score.c / number("c") - 1.0).abs() < 1e-12);
            assert_eq!(score.accuracy, number("accuracy"), "{expected}");
            let off = (score.cross_entropy / number("cross_entropy") - 1.0).abs();
            assert!(off < 1e-5, "{score:?}, expected {expected}");
        }
    }
}

#[test]
fn many_images_are_held_out_once() {
    let settings = LinearSettings { most_cross_validated: 100, ..LinearSettings::default() };
    let labels: Vec<i64> = (0..101).map(|row| row % 4).collect();
    assert_eq!(splits(&labels[..100], &settings).len(), 5);
    let once = splits(&labels, &settings);
    assert_eq!((once.len(), once[0].validation.len()), (1, 20));
}
