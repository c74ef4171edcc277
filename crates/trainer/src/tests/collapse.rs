//! Collapsed training is recognizable by the monitors: the safeguards of three methods, on and off.

use dataset::SyntheticSpec;
use loader::{Loader, LoaderConfig, Position, Shard};
use models::{EncoderConfig, ToTensor};
use serde_json::{Value, json};
use tch::{Device, Kind};

use crate::measures::health::measure;
use crate::tests::tiny_config;
use crate::*;

/// Trains `method` for `steps` steps of 64 images, and measures it.
fn train(method: Value, projection: Value, learning_rate: f64, steps: u64) -> Health {
    let mut config = tiny_config("simclr");
    config.method = serde_json::from_value(method).unwrap();
    config.projection = serde_json::from_value(projection).unwrap();
    config.train.reduction = Reduction::Mean;
    // Wide enough that features don't die by chance.
    let EncoderConfig::Conv(encoder) = &mut config.encoder else {
        panic!("the tiny encoder is of convolutions");
    };
    encoder.width = 32;
    let assignment = format!("optimizer.adam.lr.constant={learning_rate}");
    let config = config.with(&assignment).unwrap();
    let task = LearnerOptions {
        classes: None,
        device: Device::Cpu,
        dtypes: DTypes { master: Kind::Float, compute: Kind::Float },
    };
    let mut learner = Learner::new(&config, task).unwrap();
    let set = SyntheticSpec { unlabeled: 256, train: 10, test: 10, size: 32, seed: 0 };
    let plan = LoaderConfig {
        seed: 0,
        unlabeled: dataset::synthetic(&set).unwrap().unlabeled,
        labeled: None,
        batch_size: 64,
        drop_last: false,
        shard: Shard::WHOLE,
        views: config.view_recipes(),
        mask: None,
        probe: None,
        workers: 1,
        prefetch: 1,
    };
    let sample = loader::fixed_views(&plan.unlabeled, &plan.views, plan.seed, 64);
    let start = Position { epoch: 0, step: 0 };
    let mut loader = Loader::start(plan, start).unwrap();
    let to_tensor = ToTensor::new(Device::Cpu);
    for number in 0..steps {
        let batch = loader.next().unwrap();
        let step = DeviceBatch {
            masks: None,
            views: vec![to_tensor.images(&batch.blocks[0].bytes, [64, 2], [32, 32])],
            images: 64,
            labeled: 0,
            probe: None,
        };
        learner.step(&step, StepCount { step: number, total: steps }).unwrap();
        loader.recycle(batch);
    }
    measure(&learner, &sample, &to_tensor)
}

#[test]
fn without_predictor_byol_and_simsiam_end_with_measures_that_show_it() {
    let predictor = json!({"hidden_dims": [16], "norm": "hidden"});
    let head = |norm: &str| json!({"mlp": {"hidden_dims": [32], "output_dim": 16, "norm": norm}});
    let byol = |momentum: f64, predictor: &Value| json!({"byol": {"teacher_momentum": {"constant": momentum}, "predictor": predictor}});
    let simsiam = |predictor: &Value| json!({"simsiam": {"predictor": predictor}});
    for (name, kept, collapsed) in [
        ("byol", (byol(0.99, &predictor), head("hidden")), (byol(0.0, &Value::Null), head("none"))),
        ("simsiam", (simsiam(&predictor), head("all")), (simsiam(&Value::Null), head("none"))),
    ] {
        let kept = train(kept.0, kept.1, 0.002, 300);
        let collapsed = train(collapsed.0, collapsed.1, 0.002, 300);
        let what = format!("{name}: {kept:?} {collapsed:?}");
        assert!(collapsed.projection_std < 0.1 * kept.projection_std, "{what}");
        assert!(collapsed.projection_rank < 0.6 * kept.projection_rank, "{what}");
        assert!(collapsed.feature_std < 0.2 * kept.feature_std, "{what}");
        assert!(collapsed.effective_rank < kept.effective_rank, "{what}");
    }
}

#[test]
fn without_centering_dino_ends_with_projections_that_show_it() {
    let head =
        || json!({"dino_head": {"hidden_dims": [32], "bottleneck_dim": 16, "output_dim": 64}});
    let dino = |center_momentum: f64| {
        json!({"dino": {
            "variant": {"paper": {"center_momentum": center_momentum}}, "student_temp": 0.1,
            "teacher_temp": {"constant": 0.07}, "teacher_momentum": {"constant": 0.996},
        }})
    };
    let kept = train(dino(0.9), head(), 0.001, 150);
    let collapsed = train(dino(1.0), head(), 0.001, 150);
    let what = format!("{kept:?} {collapsed:?}");
    assert!(collapsed.projection_std < 0.5 * kept.projection_std, "{what}");
    assert!(collapsed.projection_rank < 0.7 * kept.projection_rank, "{what}");
}
