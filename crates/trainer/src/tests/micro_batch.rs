//! A step whose encoder is trained a few views at a time is the step that it is without: every
//! method, every form.

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;

use methods::METHODS;
use models::{Encoder, InputSizes, Mode};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use crate::tests::{Perturbation, SAFETY, spread, tiny_config};
use crate::*;

/// Images of a batch: no multiple of 3, nor are the views that they give.
pub(super) const IMAGES: i64 = 8;
const SIDES: [i64; 2] = [20, 12];
/// Side of the patches of a method that masks them, and what views have more to be of whole ones.
const PATCH: i64 = 8;
const PADDING: i64 = 4;

/// A config of every method in every form.
pub(crate) fn methods() -> Vec<Value> {
    let variants = include_str!("../../../methods/tests/variants.json");
    serde_json::from_str(&golden::with_teacher(variants)).unwrap()
}

/// A config of `method` with two global views and, where the method takes them, two local ones,
/// and whether it does. The head normalizes over the batch, or has DINO's prototypes.
pub(super) fn config(method: &Value, micro_batch: Option<usize>) -> (Config, bool) {
    let mut config = tiny_config("simclr");
    config.method = serde_json::from_value(method.clone()).unwrap();
    let local =
        ["swav", "lejepa", "visreg", "dinov2"].iter().any(|name| method.get(name).is_some())
            || method.pointer("/dino/variant").is_some_and(Value::is_object);
    let head = match local {
        true => json!({"dino_head": {"hidden_dims": [8], "bottleneck_dim": 6, "output_dim": 10}}),
        false => json!({"mlp": {"hidden_dims": [8], "output_dim": 6, "norm": "all"}}),
    };
    config.projection = serde_json::from_value(head).unwrap();
    let encoder = json!({"conv": {"width": 8, "layers": 2, "pool": "mean"}});
    config.encoder = serde_json::from_value(encoder).unwrap();
    config.train.reduction = Reduction::Mean;
    config.train.micro_batch = micro_batch;
    config.image_size = SIDES[0] as usize;
    let mut more = 0;
    if config.method.masks().is_some() {
        let vit = json!({"vit": {
            "size": {"custom": {"embed_dim": 8, "num_heads": 2, "depth": 2}},
            "patch_size": PATCH, "img_size": SIDES[0] + PADDING,
        }});
        config.encoder = serde_json::from_value(vit).unwrap();
        config.image_size += PADDING as usize;
        more = PADDING;
    }
    if local {
        let mut group = config.augment.views[0].clone();
        group.size = ViewSize::Pixels((SIDES[1] + more) as usize);
        config.augment.views.push(group);
    }
    (config, local)
}

/// `batch` with the sides of the views of `config`, and with masks where its method has some: of
/// every other view, each otherwise.
pub(super) fn fitted(config: &Config, mut batch: DeviceBatch) -> DeviceBatch {
    let side = config.image_size as i64;
    let more = side - batch.views[0].size()[2];
    if more > 0 {
        let larger = |images: &Tensor| images.constant_pad_nd([0, more, 0, more]);
        batch.views = batch.views.iter().map(larger).collect();
        batch.probe = batch.probe.map(|(images, labels)| (larger(&images), labels));
    }
    if config.method.masks().is_some() {
        let (views, patches) = (batch.views[0].size()[0], (side / PATCH) * (side / PATCH));
        let masked =
            |row: i64| (0..patches).map(move |at| u8::from(row % 2 == 1 && at % 4 < row % 5));
        let masks: Vec<u8> = (0..views).flat_map(masked).collect();
        batch.masks = Some(Tensor::from_slice(&masks).view([views, patches]));
    }
    batch
}

pub(super) fn task(kind: Kind) -> LearnerOptions {
    let dtypes = DTypes { master: kind, compute: kind };
    LearnerOptions { classes: Some(3), device: Device::Cpu, dtypes }
}

fn learner(method: &Value, micro_batch: Option<usize>, kind: Kind) -> (Learner, Config, bool) {
    let (config, local) = config(method, micro_batch);
    (Learner::new(&config, task(kind)).unwrap(), config, local)
}

/// Views of noise, another one every step. Colors differ from image to image, so that features do:
/// rounding would be much in the distances of features that are nearly alike.
pub(super) fn step(number: i64, local: bool, kind: Kind) -> DeviceBatch {
    let images = |count: i64, side: i64| {
        let pixels = Tensor::arange(count * 3 * side * side, (Kind::Double, Device::Cpu));
        let pixels = (pixels * 12.9898 + (number + 1)).sin() * 43_758.545_3;
        let colors = Tensor::arange(count * 3, (Kind::Double, Device::Cpu)) * 2.4 + number;
        let colors = (colors.sin() * 0.5 + 0.5).view([count, 3, 1, 1]);
        (pixels.frac().abs().view([count, 3, side, side]) * colors).to_kind(kind)
    };
    let mut views = vec![images(2 * IMAGES, SIDES[0])];
    if local {
        views.push(images(2 * IMAGES, SIDES[1]));
    }
    DeviceBatch {
        masks: None,
        views,
        images: IMAGES,
        labeled: 4,
        probe: Some((images(4, SIDES[0]), Tensor::from_slice(&[0i64, 1, 2, 0]))),
    }
}

/// The losses of `steps` steps, and every number that they left.
fn train(
    method: &Value,
    micro_batch: Option<usize>,
    kind: Kind,
    steps: i64,
) -> (Vec<f64>, Vec<(String, Tensor)>) {
    let (mut learner, config, local) = learner(method, micro_batch, kind);
    let losses = (0..steps).map(|number| {
        let count = StepCount { step: number as u64, total: 10 };
        let batch = fitted(&config, step(number, local, kind));
        let measured = learner.step(&batch, count).unwrap();
        measured.loss.double_value(&[])
    });
    (losses.collect(), checkpoint::tensors(&learner))
}

fn name(method: &Value) -> &str {
    method.as_object().unwrap().keys().next().unwrap()
}

#[test]
fn a_step_in_parts_equals_a_whole_one() {
    let (methods, forms) = (methods(), METHODS.iter().map(|entry| entry.variants.len().max(1)));
    assert_eq!(methods.len(), forms.sum::<usize>(), "forms of all methods");
    for entry in METHODS {
        assert!(methods.iter().any(|method| name(method) == entry.name));
    }
    for method in &methods {
        let whole = train(method, None, Kind::Double, 2);
        for micro_batch in [1, 3] {
            let split = train(method, Some(micro_batch), Kind::Double, 2);
            for (split, whole) in split.0.iter().zip(&whole.0) {
                let off = (split - whole).abs();
                assert!(off <= 1e-8 * (1.0 + whole.abs()), "{method}: loss {split}, not {whole}");
            }
            for ((name, split), (_, whole)) in split.1.iter().zip(&whole.1) {
                let off = golden::difference(split, whole);
                assert!(off <= 1e-8, "{method} by {micro_batch}: {name} off by {off}");
            }
        }
    }
}

/// Methods that take more than two global views, with and without a teacher.
#[test]
fn a_step_of_three_global_views_is_the_same_in_parts() {
    let taking = |method: &Value| {
        ["simsiam", "lejepa", "visreg", "distill", "swav", "dinov2"]
            .iter()
            .any(|name| method.get(name).is_some())
            || method.pointer("/dino/variant").is_some_and(Value::is_object)
    };
    let mut checked = 0;
    for method in methods().iter().filter(|method| taking(method)) {
        let train = |micro_batch| {
            let (mut config, local) = config(method, micro_batch);
            config.augment.views[0].count = 3;
            assert_eq!(config.global_views(), 3);
            let mut learner = Learner::new(&config, task(Kind::Double)).unwrap();
            let mut batch = step(0, local, Kind::Double);
            let third = step(1, local, Kind::Double).views[0].narrow(0, 0, IMAGES);
            batch.views[0] = Tensor::cat(&[&batch.views[0], &third], 0);
            let batch = fitted(&config, batch);
            let measured = learner.step(&batch, StepCount { step: 0, total: 10 }).unwrap();
            (measured.loss.double_value(&[]), checkpoint::tensors(&learner))
        };
        let (whole, split) = (train(None), train(Some(3)));
        assert!((whole.0 - split.0).abs() <= 1e-8 * (1.0 + whole.0.abs()), "{method}");
        for ((name, split), (_, whole)) in split.1.iter().zip(&whole.1) {
            let off = golden::difference(split, whole);
            assert!(off <= 1e-8, "{method}: {name} off by {off}");
        }
        // The third view counts.
        assert_ne!(whole.0, self::train(method, None, Kind::Double, 1).0[0], "{method}");
        checked += 1;
    }
    assert_eq!(checked, 11);
}

#[test]
fn views_that_a_method_does_not_take_are_refused() {
    for (name, global, local, says) in [
        ("simclr", 3, 0, "expected the two views that simclr compares, found 3 views"),
        ("simclr", 2, 1, "expected the two views that simclr compares, found 3 views"),
        ("simsiam", 3, 2, "expected global views alone for simsiam, found 2 local views"),
    ] {
        let method = methods().into_iter().find(|method| self::name(method) == name).unwrap();
        let (mut config, _) = config(&method, None);
        let mut group = config.augment.views[0].clone();
        (group.count, group.size) = (local, ViewSize::Pixels(SIDES[1] as usize));
        config.augment.views.truncate(1);
        config.augment.views[0].count = global;
        config.augment.views.extend((local > 0).then_some(group));
        let error = Learner::new(&config, task(Kind::Double)).unwrap_err().to_string();
        assert_eq!(error, format!("augment.views: {says}"));
    }
}

/// Perturbed steps of each method.
const PERTURBED: u64 = 8;

/// The first moments of the optimizer after a step in float64 that is perturbed.
fn perturbed_moments(method: &Value, series: u64) -> Vec<(String, Tensor)> {
    let perturbation = Perturbation::new(series);
    let (config, local) = config(method, None);
    let mut learner = perturbation.learner(&config, task(Kind::Double));
    perturbation.weights(&learner);
    let mut step = fitted(&config, step(0, local, Kind::Double));
    step.views = step.views.iter().map(|views| perturbation.apply(views)).collect();
    learner.step(&step, StepCount { step: 0, total: 10 }).unwrap();
    moments(checkpoint::tensors(&learner))
}

/// The optimizers' first moments: a tenth of the gradient after the first step. Adam turns the
/// rounding of a gradient that is 0 into a step, so that the weights say less.
fn moments(tensors: Vec<(String, Tensor)>) -> Vec<(String, Tensor)> {
    tensors.into_iter().filter(|(name, _)| name.ends_with(".moment1")).collect()
}

/// A step may differ from its parts by as much as rounding moves its gradients.
#[test]
fn gradients_in_parts_equal_whole_ones_in_single_precision() {
    for method in &methods() {
        let whole = moments(train(method, None, Kind::Float, 1).1);
        let split = moments(train(method, Some(3), Kind::Float, 1).1);
        let exact = moments(train(method, None, Kind::Double, 1).1);
        let perturbed: Vec<_> =
            (0..PERTURBED).map(|series| perturbed_moments(method, series)).collect();
        let largest = exact.iter().map(|(_, moment)| golden::largest(moment)).fold(0.0, f64::max);
        assert!(largest > 0.0, "{method}");
        let spreads = exact.iter().enumerate().map(|(index, (_, exact))| {
            golden::largest(&spread(exact, perturbed.iter().map(|moments| &moments[index].1)))
        });
        // Both sides are float32, and each may be off by what rounding moves.
        let allowed = (2.0 * SAFETY * spreads.fold(0.0, f64::max) / largest).max(1e-5);
        for ((name, split), (_, whole)) in split.iter().zip(&whole) {
            let off = golden::difference(split, whole) / largest;
            assert!(off <= allowed, "{method}: {name} off by {off}, not within {allowed}");
        }
    }
}

/// An encoder that notes how many images it is given, and whether a graph was made for them.
#[derive(Debug, Default)]
struct Noted {
    inner: Option<Box<dyn Encoder>>,
    calls: Rc<RefCell<Vec<(i64, bool)>>>,
}

impl Encoder for Noted {
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor {
        let features = self.inner.as_ref().unwrap().forward(images, mode);
        let call = (images.size()[0], features.requires_grad());
        self.calls.borrow_mut().push(call);
        features
    }

    fn feature_size(&self) -> i64 {
        self.inner.as_ref().unwrap().feature_size()
    }

    fn input_sizes(&self) -> InputSizes {
        self.inner.as_ref().unwrap().input_sizes()
    }

    fn uses_batch_statistics(&self) -> bool {
        self.inner.as_ref().unwrap().uses_batch_statistics()
    }
}

#[test]
fn the_price_is_one_more_forward_and_no_graph_is_larger_than_asked_for() {
    let swav = methods().into_iter().find(|method| method.get("swav").is_some()).unwrap();
    for (micro_batch, without_graph) in [(None, 0), (Some(3), 4 * IMAGES)] {
        let (mut learner, _, local) = learner(&swav, micro_batch, Kind::Float);
        let noted = Noted::default();
        let calls = noted.calls.clone();
        let inner = mem::replace(&mut learner.student.encoder, Box::new(noted));
        learner.student.encoder = Box::new(Noted { inner: Some(inner), calls: calls.clone() });
        let step = DeviceBatch { probe: None, ..step(0, local, Kind::Float) };
        learner.step(&step, StepCount { step: 0, total: 10 }).unwrap();
        let calls = calls.borrow();
        let count = |graph: bool| -> i64 {
            let calls = calls.iter().filter(|call| call.1 == graph);
            calls.map(|(images, _)| images).sum()
        };
        assert_eq!((count(true), count(false)), (4 * IMAGES, without_graph));
        let most = micro_batch.map_or(2 * IMAGES, |images| images as i64);
        assert_eq!(calls.iter().map(|(images, _)| *images).max(), Some(most));
    }
}

/// What drop path leaves out depends on the place of an image in the step, not on its chunk, and
/// the teacher's passes leave nothing out.
#[test]
fn drop_path_leaves_out_the_same_in_a_step_in_parts() {
    let dino = methods().into_iter().find(|method| method.get("dino").is_some()).unwrap();
    let train = |rate: f64, micro_batch| {
        let (mut config, local) = config(&dino, micro_batch);
        let vit = json!({"vit": {
            "size": {"custom": {"embed_dim": 8, "num_heads": 2, "depth": 2}},
            "patch_size": 8, "img_size": 24, "drop_path": {"rate": rate, "rule": "uniform"},
        }});
        config.encoder = serde_json::from_value(vit).unwrap();
        config.image_size = 24;
        let mut learner = Learner::new(&config, task(Kind::Double)).unwrap();
        for number in 0..2 {
            let mut batch = step(number, local, Kind::Double);
            batch.views = vec![batch.views[0].constant_pad_nd([0, 4, 0, 4])];
            batch.probe = None;
            learner.step(&batch, StepCount { step: number as u64, total: 10 }).unwrap();
        }
        checkpoint::tensors(&learner)
    };
    let whole = train(0.5, None);
    let split = train(0.5, Some(3));
    for ((name, split), (_, whole)) in split.iter().zip(&whole) {
        let off = golden::difference(split, whole);
        assert!(off <= 1e-8, "{name} off by {off}");
    }
    let without = train(0.0, None);
    assert!(whole.iter().zip(&without).any(|(a, b)| golden::difference(&a.1, &b.1) > 1e-6));
}

#[test]
fn gradients_are_clipped_together_or_each_networks_on_its_own() {
    let norms = |per: GradClipPer| -> Vec<f64> {
        let (mut config, local) = config(&methods()[0], None);
        (config.train.grad_clip_norm, config.train.grad_clip_per) = (Some(1e-3), per);
        let mut learner = Learner::new(&config, task(Kind::Double)).unwrap();
        learner.step(&step(0, local, Kind::Double), StepCount { step: 0, total: 8 }).unwrap();
        let moments = moments(checkpoint::tensors(&learner));
        let of = |network: &str| {
            let own = moments.iter().filter(|(name, _)| name.contains(network));
            let squares =
                own.map(|(_, moment)| moment.square().sum(Kind::Double).double_value(&[]));
            // A tenth of the gradient.
            10.0 * squares.sum::<f64>().sqrt()
        };
        vec![of("optimizer.encoder."), of("optimizer.projection.")]
    };
    let (all, each) = (norms(GradClipPer::All), norms(GradClipPer::Network));
    assert!((all[0].hypot(all[1]) - 1e-3).abs() < 1e-6, "{all:?}");
    assert!(each.iter().all(|norm| (norm - 1e-3).abs() < 1e-6), "{each:?}");
}

#[test]
fn a_frozen_encoder_stays_while_heads_learn_and_then_follows() {
    let (mut config, local) = config(&methods()[0], None);
    config.train.freeze_encoder = Some(0.25);
    let mut learner = Learner::new(&config, task(Kind::Double)).unwrap();
    let part = |learner: &Learner, name: &str| {
        let named = learner.parameters.named(learner.parameters.flat()).into_iter();
        let part: Vec<_> = named.filter(|(own, _)| own.starts_with(name)).collect();
        Tensor::cat(&part.iter().map(|(_, t)| t.reshape([-1])).collect::<Vec<_>>(), 0)
    };
    let mut moved = Vec::new();
    for number in 0..8 {
        let before = ["encoder.", "projection."].map(|name| part(&learner, name));
        learner
            .step(&step(number, local, Kind::Double), StepCount { step: number as u64, total: 8 })
            .unwrap();
        let after = ["encoder.", "projection."].map(|name| part(&learner, name));
        moved.push([0, 1].map(|index| before[index] != after[index]));
    }
    assert_eq!(moved[..2], [[false, true]; 2]);
    assert_eq!(moved[2..], [[true, true]; 6]);
}

#[test]
fn a_frozen_last_layer_stays_while_the_rest_learns() {
    let dino = methods().into_iter().find(|method| method.pointer("/dino/variant/paper").is_some());
    let (mut config, local) = config(&dino.unwrap(), None);
    config.train.freeze_last_layer = Some(0.5);
    config.validate().unwrap();
    let mut learner = Learner::new(&config, task(Kind::Double)).unwrap();
    let weights = |learner: &Learner, name: &str| {
        let mut named = learner.parameters.named(learner.parameters.flat()).into_iter();
        named.find(|(own, _)| own == name).unwrap().1.copy()
    };
    let names = ["projection.prototypes", "projection.dense1.weight"];
    for number in 0..4 {
        let before = names.map(|name| weights(&learner, name));
        learner
            .step(&step(number, local, Kind::Double), StepCount { step: number as u64, total: 4 })
            .unwrap();
        let moved = [0, 1].map(|index| before[index] != weights(&learner, names[index]));
        assert_eq!(moved, [number >= 2, true], "step {number}");
    }
    config.projection = tiny_config("simclr").projection;
    let error = config.validate().unwrap_err().to_string();
    assert!(error.starts_with("train.freeze_last_layer: expected null unless"), "{error}");
}
