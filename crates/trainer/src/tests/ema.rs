//! `train.ema`: a moving average of the networks that is only read.

use serde_json::json;
use tch::{Device, Kind, Tensor};

use crate::tests::tiny_config;
use crate::*;

const IMAGES: i64 = 6;
const STEPS: u64 = 3;

/// The tiny settings with an encoder that has running statistics.
fn config(ema: Option<f64>) -> Config {
    let mut config = tiny_config("simclr");
    let resnet = json!({"resnet": {"depth": 18, "stem": "small", "norm": "batch"}});
    config.encoder = serde_json::from_value(resnet).unwrap();
    config.image_size = 16;
    config.train.ema = ema.map(optim::Schedule::Constant);
    config
}

fn learner(config: &Config) -> Result<Learner, Error> {
    let dtypes = DTypes { master: Kind::Double, compute: Kind::Double };
    Learner::new(config, LearnerOptions { classes: Some(3), device: Device::Cpu, dtypes })
}

fn batch(number: u64) -> DeviceBatch {
    let images = |count: i64| {
        let pixels = Tensor::arange(count * 3 * 256, (Kind::Double, Device::Cpu));
        let pixels = (pixels * 12.9898 + (number + 1) as f64).sin() * 43_758.545_3;
        pixels.frac().abs().view([count, 3, 16, 16])
    };
    DeviceBatch {
        masks: None,
        views: vec![images(2 * IMAGES)],
        images: IMAGES,
        labeled: 4,
        probe: Some((images(4), Tensor::from_slice(&[0i64, 1, 2, 0]))),
    }
}

/// A copy of the encoder's weights and running statistics, by name.
fn encoder(networks: &EncoderAndHead) -> Vec<(String, Tensor)> {
    networks.encoder_tensors().into_iter().map(|(name, tensor)| (name, tensor.copy())).collect()
}

#[test]
fn an_average_follows_weights_and_statistics_and_changes_no_training() {
    let decay = 0.75;
    let mut with = learner(&config(Some(decay))).unwrap();
    let mut without = learner(&config(None)).unwrap();
    let mut average = encoder(&with.student);
    for step in 0..STEPS {
        let count = StepCount { step, total: STEPS };
        let (a, b) = (with.step(&batch(step), count), without.step(&batch(step), count));
        assert_eq!(a.unwrap().loss, b.unwrap().loss);
        let now = encoder(&with.student);
        for ((name, average), (_, now)) in average.iter_mut().zip(&now) {
            if name.ends_with("num_batches_tracked") {
                average.copy_(now);
            } else {
                *average = &*average * decay + now * (1.0 - decay);
            }
        }
        for ((name, with), (_, without)) in now.iter().zip(encoder(&without.student)) {
            assert_eq!(*with, without, "{name}");
        }
    }
    // What probes, measures and files of the encoder are made of.
    let read = encoder(with.eval_networks());
    assert!(read.iter().any(|(name, _)| name.contains("running_var")));
    for ((name, expected), (_, found)) in average.iter().zip(&read) {
        let off = golden::difference(expected, found);
        assert!(off <= 1e-12, "{name} off by {off}");
    }
    assert!(checkpoint::tensors(&with).iter().any(|(name, _)| name.starts_with("teacher.")));
    assert!(without.teacher.is_none());
}

#[test]
fn a_method_with_a_teacher_has_no_other_average() {
    let mut config = tiny_config("dino");
    config.train.ema = Some(optim::Schedule::Constant(0.9));
    let error = learner(&config).unwrap_err().to_string();
    assert!(error.starts_with("train.ema: expected null for dino"), "{error}");
    config.train.ema = Some(optim::Schedule::Constant(1.5));
    let error = config.validate().unwrap_err().to_string();
    assert!(error.starts_with("train.ema: expected"), "{error}");
}
