//! Encoders that normalize over the batch, and the same networks without: whose statistics a step
//! takes, when they move, and that a run which stops and goes on keeps them.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use dataset::{Dataset, SyntheticSpec};
use loader::ViewBlock;
use models::{Mode, ToTensor, buffers};
use serde_json::json;
use tch::{Device, Kind, Tensor, no_grad};

use crate::measures::health::measure;
use crate::tests::tiny_config;
use crate::*;

const IMAGES: i64 = 6;
const SIDE: i64 = 16;

/// A config of a residual network of 18 layers.
pub(crate) fn config(method: &str, norm: &str, micro_batch: Option<usize>) -> Config {
    let mut config = tiny_config(method);
    let encoder = json!({"resnet": {"depth": 18, "stem": "imagenet", "norm": norm}});
    config.encoder = serde_json::from_value(encoder).unwrap();
    config.train.micro_batch = micro_batch;
    config.image_size = SIDE as usize;
    config
}

fn learner(config: &Config, kind: Kind) -> Result<Learner, Error> {
    let dtypes = DTypes { master: kind, compute: kind };
    let task = LearnerOptions { classes: Some(3), device: Device::Cpu, dtypes };
    Learner::new(config, task)
}

/// Views of noise.
fn step(number: i64, kind: Kind) -> DeviceBatch {
    let images = |count: i64| {
        let pixels = Tensor::arange(count * 3 * SIDE * SIDE, (Kind::Double, Device::Cpu));
        let pixels = ((pixels * 12.9898 + (number + 1)).sin() * 43_758.545_3).frac();
        pixels.abs().view([count, 3, SIDE, SIDE]).to_kind(kind)
    };
    DeviceBatch {
        masks: None,
        views: vec![images(2 * IMAGES)],
        images: IMAGES,
        labeled: 3,
        probe: Some((images(3), Tensor::from_slice(&[0i64, 1, 2]))),
    }
}

/// Batches that the networks have normalized by their own statistics.
fn counted(networks: &EncoderAndHead) -> i64 {
    let named = networks.store.variables();
    named["encoder.layer4.1.bn2.num_batches_tracked"].int64_value(&[])
}

fn copies(networks: &EncoderAndHead) -> Vec<(String, Tensor)> {
    let named = buffers(&networks.store).into_iter();
    named.map(|(name, tensor)| (name, tensor.copy())).collect()
}

#[test]
fn batch_statistics_refuse_a_split_batch() {
    let error = learner(&config("simclr", "batch", Some(2)), Kind::Float).unwrap_err();
    assert!(error.is_usage());
    assert_eq!(
        error.to_string(),
        "train.micro_batch: expected null where the encoder normalizes over the batch, found 2"
    );
}

#[test]
fn without_batch_statistics_a_step_in_parts_equals_a_whole_one() {
    for norm in ["group", "none"] {
        let train = |micro_batch| {
            let config = config("byol", norm, micro_batch);
            let mut learner = learner(&config, Kind::Double).unwrap();
            let count = StepCount { step: 0, total: 10 };
            let loss = learner.step(&step(0, Kind::Double), count).unwrap().loss;
            (loss.double_value(&[]), learner)
        };
        let (whole, split) = (train(None), train(Some(5)));
        assert!((whole.0 - split.0).abs() < 1e-10, "{norm}");
        let named = checkpoint::tensors(&split.1);
        assert_eq!(named.len(), checkpoint::tensors(&whole.1).len());
        for ((name, split), (_, whole)) in named.iter().zip(&checkpoint::tensors(&whole.1)) {
            // The first moment is a tenth of the gradient; Adam blows the rounding of a gradient
            // that is 0 up to a step, so that the weights say less.
            if name.ends_with(".moment1") {
                let off = golden::difference(split, whole);
                assert!(off <= 1e-9 * (1.0 + golden::largest(whole)), "{norm} {name}: {off}");
            }
        }
    }
}

#[test]
fn every_view_is_normalized_by_its_own_statistics() {
    let config = config("simclr", "batch", None);
    let (a, b) = (learner(&config, Kind::Float).unwrap(), learner(&config, Kind::Float).unwrap());
    let views = step(0, Kind::Float).views;
    no_grad(|| {
        let input = EncoderInput { views: &views, patches: Patches::Unused };
        let features = a.student.encode(input, ImageRange::all(IMAGES), Mode::Train).features;
        let alone = |view: i64| {
            let view = views[0].narrow(0, view * IMAGES, IMAGES);
            b.student.encoder.forward(&view, Mode::Train)
        };
        assert_eq!(features, Tensor::cat(&[alone(0), alone(1)], 0));
        assert_eq!(copies(&a.student), copies(&b.student));
        let together = b.student.encoder.forward(&views[0], Mode::Train);
        assert!(golden::difference(&features, &together) > 1e-2);
    });
    assert_eq!([counted(&a.student), counted(&b.student)], [2, 3]);
}

#[test]
fn a_step_moves_the_running_statistics_of_student_and_teacher_and_nothing_else_does() {
    let mut learner = learner(&config("byol", "batch", None), Kind::Float).unwrap();
    let step = step(0, Kind::Float);
    learner.step(&step, StepCount { step: 0, total: 10 }).unwrap();
    let teacher = &learner.teacher.as_ref().unwrap().networks;
    // One for each view; the probe's images and the measures are not counted.
    assert_eq!([counted(&learner.student), counted(teacher)], [2, 2]);
    let before = [copies(&learner.student), copies(teacher)];
    let bytes: Vec<u8> = (0..2 * 4 * 3 * SIDE * SIDE).map(|i| (i * i % 251) as u8).collect();
    let sample = ViewBlock {
        bytes: bytes[..].into(),
        views: 2,
        images: 4,
        height: SIDE as usize,
        width: SIDE as usize,
    };
    measure(&learner, &sample, &ToTensor::new(Device::Cpu));
    let _ = learner.eval_networks().features(&step.views[0]);
    assert_eq!([copies(&learner.student), copies(teacher)], before);
    // The teacher's are of its own forward passes: weights alone follow the student's.
    let variance = |networks: &EncoderAndHead| {
        let named = networks.store.variables();
        named["encoder.layer1.0.bn1.running_var"].copy()
    };
    let before = variance(teacher);
    let student = learner.parameters.flat().shallow_clone();
    let _ = no_grad(|| student.shallow_clone().g_mul_scalar_(1.5));
    learner.teacher.as_mut().unwrap().ema_update(&learner.parameters, &Tensor::from(0.5f32));
    let teacher = learner.teacher.as_mut().unwrap();
    assert_eq!(variance(&teacher.networks), before);
    teacher.copy_from(&learner.student);
    assert_eq!(copies(&teacher.networks), copies(&learner.student));
}

/// Says nothing.
pub(super) struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: &EpochProgress) {}
    fn epoch(&mut self, _: &EpochRecord) {}
    fn collapse_warning(&mut self, _: u32, _: &str) {}
}

fn set() -> Dataset {
    let spec = SyntheticSpec { unlabeled: 18, train: 6, test: 6, size: SIDE as usize, seed: 0 };
    dataset::synthetic(&spec).unwrap()
}

/// A trainer on the set, with batches of eight images.
pub(crate) fn small_trainer(mut config: Config) -> Trainer {
    config.image_size = SIDE as usize;
    config.train.batch_size = 8;
    let origin =
        Provenance { version: "0".to_owned(), revision: "0".to_owned(), data: Default::default() };
    Trainer::prepare(config, set(), origin).unwrap()
}

/// Trains for `steps` steps in `folder`, from its newest checkpoint where there is one.
fn train(config: &Config, steps: u64, folder: &Path) {
    let mut config = config.clone();
    config.train.max_steps = Some(steps);
    let mut session = small_trainer(config);
    let run = if folder.join("config.json").exists() {
        session.resume(folder).unwrap()
    } else {
        session.create(folder).unwrap()
    };
    let outcome = session.train(run, &mut Silent, &AtomicBool::new(false));
    assert_eq!(outcome.unwrap(), Outcome::Finished);
}

/// The tensors of a file of a run.
fn stored(path: &Path) -> Vec<(String, Tensor)> {
    let mut named = Tensor::read_safetensors(path).unwrap();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named
}

#[test]
fn a_run_that_goes_on_has_the_statistics_of_one_that_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let config = config("byol", "batch", None);
    train(&config, 3, &whole);
    train(&config, 1, &parts);
    train(&config, 3, &parts);
    let newest = |run: &Path| stored(&checkpoint::newest_of(run).unwrap());
    let (whole_newest, parts_newest) = (newest(&whole), newest(&parts));
    assert_eq!(whole_newest, parts_newest);
    for name in ["encoder.bn1.running_mean", "teacher.encoder.bn1.running_mean"] {
        let found = whole_newest.iter().find(|(own, _)| own == name);
        assert!(golden::largest(&found.unwrap().1) > 0.0, "{name}");
    }
    // The exported encoder is the teacher's, running statistics included.
    let exported = stored(&whole.join("encoder.safetensors"));
    assert_eq!(exported, stored(&parts.join("encoder.safetensors")));
    for (name, tensor) in &exported {
        let teacher = format!("teacher.encoder.{name}");
        let found = whole_newest.iter().find(|(own, _)| *own == teacher);
        assert_eq!(&found.unwrap().1, tensor, "{name}");
    }
}
