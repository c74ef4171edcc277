//! What holds for every method and form, whatever the projections: order doesn't matter, and
//! nothing that a batch can hold makes a loss or a gradient other than finite.

use methods::{METHODS, MethodConfig, MethodContext, Projections};
use models::{WeightRng, WeightStream};
use optim::StepCount;
use proptest::prelude::*;
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const DIMENSION: i64 = 6;

/// A config of every method in every form.
fn configs() -> Vec<Value> {
    serde_json::from_str(&golden::with_teacher(include_str!("variants.json"))).unwrap()
}

/// The name of a form, where there are several.
fn variant(config: &Value) -> Option<String> {
    let (_, config) = config.as_object().unwrap().iter().next().unwrap();
    match &config["variant"] {
        Value::Null => None,
        Value::String(variant) => Some(variant.clone()),
        variant => variant.as_object().unwrap().keys().next().cloned(),
    }
}

#[test]
fn the_catalog_names_every_form() {
    for entry in METHODS {
        let variants: Vec<String> = configs()
            .iter()
            .filter(|config| config.get(entry.name).is_some())
            .filter_map(variant)
            .collect();
        assert_eq!(variants, entry.variants, "{}", entry.name);
        assert!(configs().iter().any(|config| config.get(entry.name).is_some()), "{}", entry.name);
    }
}

fn parse(config: &Value) -> MethodConfig {
    serde_json::from_value(config.clone()).unwrap_or_else(|error| panic!("{config}: {error}"))
}

/// Loss and gradients of a first step.
fn run(config: &Value, views: [&Tensor; 2], teacher: [&Tensor; 2]) -> (f64, Vec<Tensor>) {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(Kind::Double);
    let mut method = parse(config)
        .build(&MethodContext {
            path: store.root(),
            weight_rng: WeightRng { seed: 1, stream: WeightStream::Student },
            dimension: DIMENSION,
            image_size: 32,
            global_views: 2,
            compute: Kind::Double,
        })
        .unwrap();
    let student = views.map(|p| p.copy().set_requires_grad(true));
    method.begin_step(StepCount { step: 0, total: 10 }, student[0].size()[0]);
    let loss = method.loss(&Projections {
        student: student.iter().map(Tensor::shallow_clone).collect(),
        teacher: teacher.iter().map(|p| p.copy()).collect(),
        features: student.iter().map(Tensor::shallow_clone).collect(),
        patches: None,
    });
    let gradients = Tensor::run_backward(&[&loss], &student, false, false);
    (loss.double_value(&[]), gradients)
}

fn matrix(values: &[f64]) -> Tensor {
    Tensor::from_slice(values).view([-1, DIMENSION])
}

/// Four matrices of as many rows: two views of the student, two of the teacher.
fn projections() -> impl Strategy<Value = [Tensor; 4]> {
    (2usize..7).prop_flat_map(|images| {
        let one = || prop::collection::vec(-3.0..3.0f64, images * DIMENSION as usize);
        (one(), one(), one(), one())
            .prop_map(|(a, b, c, d)| [matrix(&a), matrix(&b), matrix(&c), matrix(&d)])
    })
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-8 * (1.0 + a.abs())
}

/// MoCo v2 looks at one direction only.
fn symmetric(config: &Value) -> bool {
    config.get("moco").is_none_or(|moco| moco["variant"] != "v2")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn swapping_the_views_changes_nothing([p1, p2, m1, m2] in projections()) {
        for config in configs().iter().filter(|config| symmetric(config)) {
            let (there, _) = run(config, [&p1, &p2], [&m1, &m2]);
            let (back, _) = run(config, [&p2, &p1], [&m2, &m1]);
            prop_assert!(close(there, back), "{config}: {there} {back}");
        }
    }

    #[test]
    fn the_order_of_a_batch_changes_nothing([p1, p2, m1, m2] in projections()) {
        for config in configs() {
            let (before, _) = run(&config, [&p1, &p2], [&m1, &m2]);
            let [q1, q2, n1, n2] = [&p1, &p2, &m1, &m2].map(|p| p.flip([0]));
            let (after, _) = run(&config, [&q1, &q2], [&n1, &n2]);
            prop_assert!(close(before, after), "{config}: {before} {after}");
        }
    }
}

#[test]
fn losses_and_gradients_are_finite_for_small_and_degenerate_batches() {
    let values = |images: i64, step: f64| {
        let count = images * DIMENSION;
        (Tensor::arange(count, (Kind::Double, Device::Cpu)) * step).sin().view([images, DIMENSION])
    };
    let mut batches = Vec::new();
    for images in [2, 3, 8] {
        let (a, b) = (values(images, 0.7), values(images, 1.3));
        batches.push(("plain", a.copy(), b.copy()));
        let twins = a.copy();
        twins.get(1).copy_(&a.get(0));
        batches.push(("two identical images", twins.copy(), twins));
        let column = a.copy();
        let _ = column.select(1, 2).fill_(0.5);
        batches.push(("a constant column", column.copy(), b.copy()));
        batches.push(("all alike", a.get(0).repeat([images, 1]), a.get(0).repeat([images, 1])));
        batches.push(("zero", a.zeros_like(), b.zeros_like()));
        batches.push(("large", a * 1e4, b * 1e4));
    }
    for config in configs() {
        for (what, p1, p2) in &batches {
            let (loss, gradients) = run(&config, [p1, p2], [p1, p2]);
            let images = p1.size()[0];
            assert!(loss.is_finite(), "{config}: {what}, {images} images: {loss}");
            for gradient in gradients.iter().filter(|gradient| gradient.defined()) {
                let largest = gradient.abs().max().double_value(&[]);
                assert!(largest.is_finite(), "{config}: {what}, {images} images: gradient");
            }
        }
    }
}

#[test]
fn hyper_parameters_out_of_range_are_named() {
    for (config, key) in [
        (json!({"simclr": {"variant": "seed", "temperature": 0.0}}), "simclr.temperature"),
        (
            json!({"nnclr": {"variant": "seed", "temperature": 0.1, "queue_size": 0, "predictor": null}}),
            "nnclr.queue_size",
        ),
        (
            json!({"moco": {"variant": "v3", "temperature": 0.1, "queue_size": 9, "teacher_momentum": {"constant": 0.9}, "predictor": null}}),
            "moco.queue_size",
        ),
        (
            json!({"moco": {"variant": "v2", "temperature": 0.1, "queue_size": 9, "teacher_momentum": {"constant": 1.5}, "predictor": null}}),
            "moco.teacher_momentum",
        ),
        (json!({"barlow_twins": {"variant": "seed", "lambda": -1.0}}), "barlow_twins.lambda"),
        (
            json!({"swav": {"temperature": 0.1, "epsilon": 0.05, "iterations": 0, "prototypes": 9, "queue_size": 4}}),
            "swav.iterations",
        ),
        (
            json!({"distill": {"teacher": null, "teacher_input": "float", "temperature": 0.07, "queue_size": 9}}),
            "distill.teacher",
        ),
    ] {
        let store = VarStore::new(Device::Cpu);
        let context = MethodContext {
            path: store.root(),
            weight_rng: WeightRng { seed: 1, stream: WeightStream::Student },
            dimension: DIMENSION,
            image_size: 32,
            global_views: 2,
            compute: Kind::Float,
        };
        let error = parse(&config).build(&context).unwrap_err().to_string();
        assert!(error.starts_with(&format!("method.{key}: expected")), "{error}");
    }
    let missing = json!({"simsiam": {}});
    assert!(serde_json::from_value::<MethodConfig>(missing).is_err(), "no hidden defaults");
}
