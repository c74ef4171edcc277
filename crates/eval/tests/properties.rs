//! What must hold for any features: the protocols through their public interface.

use std::ops::ControlFlow;

use eval::{
    Error, Features, FewShotScores, FewShotSettings, Knn, KnnSettings, LabeledData, LinearSettings,
    LogisticProblem, LogisticSettings, Protocol, Report, Result, SINGLE_LABEL_C,
};
use proptest::prelude::*;
use tch::Tensor;

/// Evaluates features alone.
fn evaluate(
    protocol: &Protocol,
    train: &Features,
    test: &Features,
    folds: &[Vec<u32>],
) -> Result<Report> {
    let data = LabeledData { train, test: Some(test), folds, images: None };
    eval::evaluate(protocol, &data, &|_, _| ControlFlow::Continue(()))
}

/// Evaluates features alone, without a test split.
fn evaluate_by_folds(protocol: &Protocol, train: &Features) -> Result<Report> {
    let data = LabeledData { train, test: None, folds: &[], images: None };
    eval::evaluate(protocol, &data, &|_, _| ControlFlow::Continue(()))
}

/// Evaluates features alone with few labels.
fn few_labels(
    protocol: &Protocol,
    train: &Features,
    test: &Features,
    few: &FewShotSettings,
) -> Result<Vec<FewShotScores>> {
    let data = LabeledData { train, test: Some(test), folds: &[], images: None };
    eval::few_labels(protocol, &data, few, &|_, _| ControlFlow::Continue(()))
}

/// `count` images of `classes` classes, in `dim` features: class centers plus noise, both drawn
/// from `seed`.
fn images(seed: u64, count: usize, dim: usize, classes: u16, noise: f64) -> (Vec<f32>, Vec<u16>) {
    let mut draw = Generator(seed);
    let centers: Vec<f64> = (0..usize::from(classes) * dim).map(|_| draw.next()).collect();
    let labels: Vec<u16> = (0..count).map(|row| (row % usize::from(classes)) as u16).collect();
    let values = labels.iter().flat_map(|&label| {
        let first = usize::from(label) * dim;
        centers[first..first + dim].to_vec()
    });
    (values.map(|center| (center + noise * draw.next()) as f32).collect(), labels)
}

/// A small linear congruential generator, enough to place points: values in -1..1.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn features(values: &[f32], labels: &[u16]) -> Features {
    let x = Tensor::from_slice(values).view([labels.len() as i64, -1]);
    Features::new(x, labels).expect("finite features")
}

fn train_and_test(seed: u64) -> (Features, Features) {
    let (values, labels) = images(seed, 160, 6, 4, 1.0);
    (features(&values[..120 * 6], &labels[..120]), features(&values[120 * 6..], &labels[120..]))
}

fn reversed(features: &Features) -> Features {
    let rows: Vec<u32> = (0..features.len() as u32).rev().collect();
    features.select(&rows).expect("rows in range")
}

fn scaled(features: &Features, factor: f64) -> Features {
    let labels: Vec<u16> = features.label_vec().into_iter().map(|label| label as u16).collect();
    Features::new(features.x() * factor, &labels).expect("finite features")
}

fn logistic(train: &Features, c: f64) -> eval::Fit {
    let problem = LogisticProblem::new(train.x(), train.labels()).expect("two classes");
    problem
        .fit(c, None, &LogisticSettings { tolerance: 1e-8, ..Default::default() })
        .expect("a valid C")
}

fn difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn knn_ignores_the_order_of_train_and_the_scale_of_features(seed: u64, k in 1usize..40) {
        let (train, test) = train_and_test(seed);
        let predict = |train: &Features, test: &Features| {
            let settings = KnnSettings { k, ..KnnSettings::default() };
            Knn::new(train, &settings).expect("a valid kNN").predict(test.x())
        };
        let expected = predict(&train, &test);
        prop_assert_eq!(&predict(&reversed(&train), &test), &expected);
        prop_assert_eq!(&predict(&scaled(&train, 4.0), &scaled(&test, 0.5)), &expected);
    }

    #[test]
    fn a_single_neighbor_of_a_training_image_is_itself(seed: u64) {
        let (train, _) = train_and_test(seed);
        let knn = Knn::new(&train, &KnnSettings { k: 1, temperature: 0.07 }).expect("a valid kNN");
        prop_assert_eq!(knn.predict(train.x()), train.label_vec());
    }

    #[test]
    fn logistic_regression_ignores_order_and_follows_a_shift(seed: u64, c in 0.01f64..10.0) {
        let (train, test) = train_and_test(seed);
        let fit = logistic(&train, c);
        let other = logistic(&reversed(&train), c);
        prop_assert!(fit.converged && other.converged);
        prop_assert!(difference(&fit.model.coef, &other.model.coef) < 1e-6);
        prop_assert_eq!(fit.model.predict(test.x()), other.model.predict(test.x()));

        // A shift of all features moves into the intercepts.
        let labels: Vec<u16> = train.label_vec().into_iter().map(|label| label as u16).collect();
        let shifted = logistic(&Features::new(train.x() + 2.0, &labels).expect("finite"), c);
        prop_assert!(difference(&fit.model.coef, &shifted.model.coef) < 1e-4);
        let moved = shifted.model.logits(&(test.x() + 2.0));
        let logits = difference(&fit.model.logits(test.x()), &moved);
        prop_assert!(logits < 1e-4);
    }

    #[test]
    fn a_warm_start_ends_at_the_same_optimum(seed: u64) {
        let (train, _) = train_and_test(seed);
        let problem = LogisticProblem::new(train.x(), train.labels()).expect("two classes");
        let settings = LogisticSettings { tolerance: 1e-9, ..Default::default() };
        let first = problem.fit(0.1, None, &settings).expect("a valid C");
        let warm = problem.fit(0.3, Some(&first), &settings).expect("a valid C");
        let cold = problem.fit(0.3, None, &settings).expect("a valid C");
        prop_assert!(difference(&warm.model.coef, &cold.model.coef) < 1e-7);
        prop_assert!((warm.objective - cold.objective).abs() < 1e-8 * cold.objective);
        prop_assert!(first.objective < warm.objective, "a larger C weighs more");
    }
}

#[test]
fn separable_classes_are_read_off_perfectly() {
    let (values, labels) = images(3, 400, 6, 4, 0.02);
    let train = features(&values[..300 * 6], &labels[..300]);
    let test = features(&values[300 * 6..], &labels[300..]);
    let folds: Vec<Vec<u32>> =
        (0..3).map(|fold| (fold * 100..(fold + 1) * 100).collect()).collect();
    for protocol in Protocol::quick() {
        let name = protocol.name();
        let report = evaluate(&protocol, &train, &test, &folds).expect("valid features");
        assert_eq!(report.accuracy(), 1.0, "{name}");
        let text = serde_json::to_string(&report).expect("serializable");
        assert!(text.starts_with(&format!("{{\"{name}\":")), "{text}");
        let read: Report = serde_json::from_str(&text).expect("readable");
        assert_eq!(read.accuracy(), report.accuracy());
        if let Report::Linear(report) = &report {
            assert!(report.converged && report.train_accuracy == 1.0);
            assert_eq!((report.train_images, report.validation_images), (300, 300));
        }
        let score = report.test();
        assert_eq!((score.correct, score.total, score.per_class.len()), (100, 100, 4));
        let folds = report.folds().expect("three folds");
        assert_eq!((folds.mean, folds.std), (1.0, 0.0));
        assert_eq!(folds.images, [100; 3]);
    }
}

#[test]
fn the_test_split_does_not_choose_c() {
    let (train, test) = train_and_test(5);
    let linear = Protocol::Linear(LinearSettings::default());
    let Report::Linear(first) = evaluate(&linear, &train, &test, &[]).unwrap() else { panic!() };
    let Report::Linear(second) = evaluate(&linear, &train, &scaled(&test, -1.0), &[]).unwrap()
    else {
        panic!()
    };
    assert_ne!(first.test.accuracy, second.test.accuracy);
    assert_eq!((first.c, &first.validation), (second.c, &second.validation));
}

/// Labels 0 to `classes`, `most` images of class 0 and fewer of each that follows, at least one.
fn unbalanced(most: usize, classes: usize) -> Vec<u16> {
    let count = |class: usize| (most >> class).max(1);
    (0..classes).flat_map(|class| vec![class as u16; count(class)]).collect()
}

#[test]
fn one_image_a_class_is_learned_from_with_a_fixed_c() {
    let (train, test) = train_and_test(3);
    let one_each = train.select(&[0, 1, 2, 3]).unwrap();
    let linear = Protocol::named("linear").unwrap();
    let Report::Linear(found) = evaluate(&linear, &one_each, &test, &[]).unwrap() else { panic!() };
    assert_eq!((found.c, found.c_at_edge, found.c_tied), (SINGLE_LABEL_C, None, 0));
    assert_eq!(
        (found.validation.len(), found.validation_folds, found.validation_images),
        (0, 0, 0)
    );
}

#[test]
fn few_images_choose_c_by_folds_and_many_by_one_split() {
    let (train, test) = train_and_test(8);
    let choose = |most_cross_validated| {
        let settings = LinearSettings { most_cross_validated, ..LinearSettings::default() };
        let report = evaluate(&Protocol::Linear(settings), &train, &test, &[]).unwrap();
        let Report::Linear(report) = report else { panic!() };
        (report.validation_folds, report.validation_images)
    };
    assert_eq!(choose(120), (5, 120));
    assert_eq!(choose(119), (1, 24));
}

#[test]
fn ties_and_edges_of_the_choice_are_counted() {
    // Classes far apart: every C is right about all images.
    let (values, labels) = images(11, 60, 6, 3, 0.01);
    let train = features(&values, &labels);
    let linear = Protocol::named("linear").unwrap();
    let Report::Linear(found) = evaluate(&linear, &train, &train, &[]).unwrap() else { panic!() };
    let of_c = |c| found.validation.iter().find(|score| score.c == c).unwrap();
    assert!(found.validation.iter().all(|score| score.accuracy == 1.0));
    assert_eq!(found.c_tied, 13);
    let lowest = found.validation.iter().map(|score| score.cross_entropy).fold(1e9, f64::min);
    assert_eq!(of_c(found.c).cross_entropy, lowest, "the lowest cross-entropy of a tie");
    let ends = [found.validation[0].c, found.validation[12].c];
    assert_eq!(found.c_at_edge.is_some(), ends.contains(&found.c));
}

#[test]
fn without_a_test_split_folds_are_scored() {
    let (train, _) = train_and_test(12);
    for protocol in Protocol::quick() {
        let report = evaluate_by_folds(&protocol, &train).unwrap();
        assert_eq!(report, evaluate_by_folds(&protocol, &train).unwrap());
        let score = report.test();
        assert_eq!((score.total, score.per_class.len()), (120, 4), "each image once");
        let found = report.cross_validation().unwrap();
        assert_eq!(found.folds.images, [96; 5]);
        assert_eq!(report.accuracy(), found.folds.mean);
        assert!((found.folds.mean - score.accuracy).abs() < 1e-12, "folds of equal size");
        assert_eq!(found.chosen.is_some(), protocol.name() == "linear");
        // A fold is classified by the other images alone.
        let splits = dataset::stratified_folds(&train.label_vec(), 5, 0);
        let [others, fold] = [&splits[2].fit, &splits[2].validation].map(|r| train.select(r));
        let alone = evaluate(&protocol, &others.unwrap(), &fold.unwrap(), &[]).unwrap();
        assert_eq!(alone.accuracy(), found.folds.accuracies[2], "{}", protocol.name());
    }
}

#[test]
fn classes_with_fewer_images_than_folds_are_no_trouble() {
    let labels = unbalanced(32, 7);
    let (mut values, _) = images(13, labels.len(), 6, 1, 1.0);
    for (row, &label) in values.chunks_exact_mut(6).zip(&labels) {
        row[usize::from(label) % 6] += 4.0;
    }
    let train = features(&values, &labels);
    for protocol in Protocol::quick() {
        let report = evaluate_by_folds(&protocol, &train).unwrap();
        let totals: Vec<u64> = report.test().per_class.iter().map(|class| class.total).collect();
        assert_eq!(totals, [32, 16, 8, 4, 2, 0, 0], "classes of one image stay in training");
        assert_eq!(report.test().chance, 32.0 / 62.0);
        let report = evaluate(&protocol, &train, &train, &[]).unwrap();
        assert_eq!(report.test().total, 64);
        assert!(report.test().top5.is_some());
    }
}

#[test]
fn without_a_test_split_few_labels_are_scored_on_the_other_images() {
    let (train, _) = train_and_test(14);
    let data = LabeledData { train: &train, test: None, folds: &[], images: None };
    let go_on = |_: usize, _: usize| ControlFlow::Continue(());
    let few = FewShotSettings { labels_per_class: vec![5], repeats: 2, seed: 0 };
    for protocol in Protocol::quick() {
        let found = eval::few_labels(&protocol, &data, &few, &go_on).unwrap();
        let rows = few.rows(&train.label_vec(), 5, 1).unwrap();
        let others: Vec<u32> = (0..120).filter(|row| !rows.contains(row)).collect();
        let [part, others] = [&rows, &others].map(|rows| train.select(rows).unwrap());
        let alone = evaluate(&protocol, &part, &others, &[]).unwrap();
        assert_eq!(found[0].subsets.accuracies[1], alone.accuracy());
        let all = FewShotSettings { labels_per_class: vec![30], ..few.clone() };
        let error = eval::few_labels(&protocol, &data, &all, &go_on).unwrap_err();
        assert_eq!(error, Error::NothingLeft { images: 120 });
    }
}

#[test]
fn few_labels_score_as_if_no_other_image_had_one() {
    let (train, test) = train_and_test(6);
    let few = FewShotSettings { labels_per_class: vec![1, 5, 20], repeats: 3, seed: 9 };
    for protocol in Protocol::quick() {
        let name = protocol.name();
        let scores = few_labels(&protocol, &train, &test, &few).unwrap();
        assert_eq!(scores, few_labels(&protocol, &train, &test, &few).unwrap());
        let counts: Vec<_> = scores.iter().map(|score| score.labels_per_class).collect();
        assert_eq!(counts, few.labels_per_class);
        assert_eq!(scores[1].subsets.images, [20, 20, 20]);
        for (subset, accuracy) in (0..).zip(&scores[1].subsets.accuracies) {
            let part = train.select(&few.rows(&train.label_vec(), 5, subset).unwrap());
            let report = evaluate(&protocol, &part.unwrap(), &test, &[]).unwrap();
            assert_eq!(report.accuracy(), *accuracy, "{name}, subset {subset}");
            if let Report::Linear(report) = report {
                let cs = scores[1].chosen.as_ref().unwrap();
                assert_eq!(cs[subset as usize], report.c);
            }
        }
        let linear = name == "linear";
        let fixed = linear.then(|| vec![SINGLE_LABEL_C; 3]);
        assert_eq!(scores[0].chosen, fixed);
        assert!(scores.iter().all(|score| score.converged));
        let more = FewShotSettings { labels_per_class: vec![1, 31], ..few.clone() };
        let error = few_labels(&protocol, &train, &test, &more).unwrap_err();
        let (class, expected, found) = (0, 31, 30);
        let too_few = Error::TooFewOfClass { class, expected, found };
        assert_eq!(error, too_few);
    }
}

#[test]
fn dead_features_and_unseen_classes_are_no_trouble() {
    let (mut values, mut labels) = images(9, 120, 6, 3, 0.1);
    values.chunks_exact_mut(6).for_each(|row| row[2] = 0.7);
    // Labels 2, 3, 4: classes 0 and 1 have no image.
    labels.iter_mut().for_each(|label| *label += 2);
    let train = features(&values[..90 * 6], &labels[..90]);
    labels[119] = 7; // Never seen in training: can only be wrong.
    let test = features(&values[90 * 6..], &labels[90..]);
    for protocol in Protocol::quick() {
        let name = protocol.name();
        let report = evaluate(&protocol, &train, &test, &[]).unwrap();
        let score = report.test();
        assert_eq!((score.correct, score.total), (29, 30), "{name}");
        assert_eq!(score.per_class.len(), 8);
        assert_eq!((score.per_class[0].accuracy, score.per_class[7].accuracy), (None, Some(0.0)));
    }
}

#[test]
fn all_training_images_vote_where_there_are_fewer_than_k() {
    let (train, test) = train_and_test(1);
    let few = train.select(&[0, 1, 2, 3, 4]).unwrap();
    let knn = Protocol::Knn(KnnSettings::default());
    let Report::Knn(report) = evaluate(&knn, &few, &test, &[]).unwrap() else { panic!() };
    assert_eq!((report.k, report.train_images), (5, 5));
}

#[test]
fn a_tiny_temperature_does_not_overflow() {
    let (train, test) = train_and_test(2);
    let predict = |k, temperature| {
        Knn::new(&train, &KnnSettings { k, temperature }).unwrap().predict(test.x())
    };
    assert_eq!(predict(20, 1e-6), predict(1, 0.07), "only the nearest counts");
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let (train, test) = train_and_test(4);
    let (linear, knn) = (Protocol::named("linear").unwrap(), Protocol::named("knn").unwrap());
    assert!(Protocol::named("quadratic").is_none());

    let empty = train.select(&[]).unwrap();
    let one_class = train.select(&[0, 4, 8]).unwrap();
    let (narrow, labels) = images(4, 40, 5, 4, 1.0);
    let narrow = features(&narrow, &labels);
    for protocol in [&linear, &knn] {
        let error =
            |train, test, folds: &[Vec<u32>]| evaluate(protocol, train, test, folds).unwrap_err();
        assert_eq!(error(&empty, &test, &[]), Error::Empty { split: "train" });
        assert_eq!(error(&train, &empty, &[]), Error::Empty { split: "test" });
        assert_eq!(error(&train, &test, &[vec![]]), Error::Empty { split: "fold" });
        assert!(matches!(error(&train, &test, &[vec![500]]), Error::Mismatch { .. }));
        assert!(matches!(error(&train, &narrow, &[]), Error::Mismatch { .. }));
        assert_eq!(error(&one_class, &test, &[]), Error::TooFewClasses { found: 1 });
    }
    let one_each = train.select(&[0, 1, 2, 3]).unwrap();
    for protocol in [&linear, &knn] {
        let error = evaluate_by_folds(protocol, &one_each).unwrap_err();
        assert_eq!(error, Error::TooFewToValidate { images: 4 });
    }
    for settings in
        [KnnSettings { k: 0, temperature: 0.07 }, KnnSettings { k: 1, temperature: 0.0 }]
    {
        let error = evaluate(&Protocol::Knn(settings), &train, &test, &[]).unwrap_err();
        assert!(matches!(error, Error::BadSetting { .. }));
    }
    let problem = LogisticProblem::new(train.x(), train.labels()).unwrap();
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = problem.fit(c, None, &LogisticSettings::default()).unwrap_err();
        assert!(matches!(error, Error::BadSetting { name: "c", .. }));
    }
}

#[test]
fn names_are_those_of_the_protocols() {
    for name in Protocol::NAMES {
        let protocol = Protocol::named(name).expect("a known name");
        assert_eq!(protocol.name(), name);
        let text = serde_json::to_string(&protocol).expect("serializable");
        assert!(text.starts_with(&format!("{{\"{name}\":")), "{text}");
    }
}

#[test]
fn protocols_that_train_on_views_need_images() {
    let (train, test) = train_and_test(7);
    for name in ["sgd", "finetune"] {
        let protocol = Protocol::named(name).unwrap();
        let error = evaluate(&protocol, &train, &test, &[]).unwrap_err();
        assert_eq!(error, Error::NeedsImages { protocol: name });
    }
}
