//! A step of several processes is the step of one: every method, every form. Ranks are threads,
//! which talk over TCP as processes do.

use std::net::TcpListener;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use group::{Group, Launch};
use loader::Shard;
use serde_json::{Value, json};
use tch::{Kind, Tensor};

use crate::tests::micro_batch::{IMAGES, config, fitted, methods, step, task};
use crate::*;

const TIMEOUT: Duration = Duration::from_secs(60);

/// What `work` gives on each of `size` ranks.
fn on_ranks<T: Send>(size: usize, work: impl Fn(Rc<Group>) -> T + Sync) -> Vec<T> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    thread::scope(|scope| {
        let rank = |rank| {
            let work = &work;
            scope.spawn(move || {
                let host = "127.0.0.1".to_owned();
                let (local_rank, local_size) = (rank, size);
                let launch =
                    Launch { rank, size, local_rank, local_size, host, port, agent: false };
                work(Rc::new(Group::join(&launch, TIMEOUT).unwrap()))
            })
        };
        let ranks: Vec<_> = (0..size).map(rank).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

/// What a rank has of a batch.
fn part(batch: &DeviceBatch, group: &Group) -> DeviceBatch {
    let shard = Shard { rank: group.rank(), world_size: group.size() };
    let (images, labeled) = (batch.images as usize, batch.labeled as usize);
    let own = shard.range(images);
    let of = ImageRange { images: IMAGES, first: own.start as i64, count: own.len() as i64 };
    let labeled = shard.split(images - labeled, labeled)[1].clone();
    let rows = |all: &Tensor| all.narrow(0, labeled.start as i64, labeled.len() as i64);
    DeviceBatch {
        views: batch.views.iter().map(|views| of.of(views)).collect(),
        masks: batch.masks.as_ref().map(|masks| of.of(masks)),
        probe: batch.probe.as_ref().map(|(images, labels)| (rows(images), rows(labels))),
        ..*batch
    }
}

/// The losses of some steps, and every number that they left.
struct Trained {
    losses: Vec<f64>,
    tensors: Vec<(String, Tensor)>,
}

fn train(config: &Config, local: bool, kind: Kind, steps: u64, group: &Rc<Group>) -> Trained {
    let mut learner = Learner::new(config, task(kind)).unwrap();
    learner.join(Rc::clone(group), true);
    let losses = (0..steps).map(|number| {
        let batch = part(&fitted(config, step(number as i64, local, kind)), group);
        let measured = learner.step(&batch, StepCount { step: number, total: 10 }).unwrap();
        measured.loss.double_value(&[])
    });
    Trained { losses: losses.collect(), tensors: checkpoint::tensors(&learner) }
}

/// Every rank has the same bits, and they are those of one process up to rounding.
fn check(name: &str, ranks: &[Trained], alone: &Trained, tolerance: f64) {
    for rank in ranks {
        assert_eq!(rank.losses, ranks[0].losses, "{name}: losses of ranks");
        for ((tensor, found), (_, first)) in rank.tensors.iter().zip(&ranks[0].tensors) {
            assert!(found.equal(first), "{name}: {tensor} differs between ranks");
        }
    }
    for (found, expected) in ranks[0].losses.iter().zip(&alone.losses) {
        let off = (found - expected).abs();
        assert!(off <= tolerance * (1.0 + expected.abs()), "{name}: loss {found}, not {expected}");
    }
    for ((tensor, found), (_, expected)) in ranks[0].tensors.iter().zip(&alone.tensors) {
        // Of a bias in front of a normalization the gradient is 0 but for rounding.
        let off = (found - expected).abs().max().double_value(&[]);
        let off = off / (1.0 + golden::largest(expected));
        assert!(off <= tolerance, "{name}: {tensor} off by {off}");
    }
}

/// Trains every one of `configs` on ranks and alone.
fn compare(configs: &[(String, Config, bool)], size: usize, steps: u64) {
    let found = on_ranks(size, |group| {
        let train = |(_, config, local): &(String, Config, bool)| {
            train(config, *local, Kind::Double, steps, &group)
        };
        configs.iter().map(train).collect::<Vec<_>>()
    });
    let alone = Rc::new(Group::alone());
    let mut ranks: Vec<_> = found.into_iter().map(Vec::into_iter).collect();
    for (name, config, local) in configs {
        let of_ranks: Vec<Trained> = ranks.iter_mut().map(|rank| rank.next().unwrap()).collect();
        let expected = train(config, *local, Kind::Double, steps, &alone);
        check(&format!("{name} on {size} ranks"), &of_ranks, &expected, 1e-8);
    }
}

fn named(method: &Value, micro_batch: Option<usize>) -> (String, Config, bool) {
    let (config, local) = config(method, micro_batch);
    (method.to_string(), config, local)
}

#[test]
fn ranks_make_the_step_of_one_process() {
    let configs: Vec<_> = methods().iter().map(|method| named(method, None)).collect();
    compare(&configs, 2, 2);
}

#[test]
fn shares_may_be_unequal_and_the_encoder_trained_in_parts() {
    let configs: Vec<_> = methods().iter().map(|method| named(method, Some(2))).collect();
    compare(&configs, 3, 1);
}

#[test]
fn losses_in_single_precision_are_near_those_of_one_process() {
    let methods = methods();
    let train = |group: Rc<Group>| -> Vec<f64> {
        let loss = |method: &Value| {
            let (config, local) = config(method, None);
            train(&config, local, Kind::Float, 1, &group).losses[0]
        };
        methods.iter().map(loss).collect()
    };
    let alone = train(Rc::new(Group::alone()));
    let found = on_ranks(3, train);
    for (method, (found, expected)) in methods.iter().zip(found[0].iter().zip(&alone)) {
        let off = (found - expected).abs() / (1.0 + expected.abs());
        assert!(off <= 1e-5, "{method}: {found}, not {expected}");
    }
}

#[test]
fn every_encoder_is_the_same_on_ranks() {
    let of = |name: &str| {
        let is = |method: &&Value| method.get(name).is_some();
        methods().iter().find(is).expect("a method of this name").clone()
    };
    let resnet = |norm: &str| json!({"resnet": {"depth": 18, "stem": "small", "norm": norm}});
    let vit = json!({"vit": {
        "size": {"custom": {"embed_dim": 8, "num_heads": 2, "depth": 2}},
        "patch_size": 8, "img_size": 24, "drop_path": {"rate": 0.4, "rule": "uniform"},
    }});
    let mut configs = Vec::new();
    for (name, encoder) in [
        ("byol", resnet("batch")),
        ("byol", resnet("group")),
        ("twist", resnet("none")),
        ("simclr", vit),
    ] {
        let (mut config, local) = config(&of(name), None);
        if encoder.get("vit").is_some() {
            config.image_size = 24;
        }
        config.encoder = serde_json::from_value(encoder.clone()).unwrap();
        configs.push((format!("{name} by {encoder}"), config, local));
    }
    compare(&configs, 2, 1);
}

#[test]
fn ranks_that_normalize_alone_have_the_running_statistics_of_the_first() {
    let byol = methods().iter().find(|method| method.get("byol").is_some()).unwrap().clone();
    let (mut config, local) = config(&byol, None);
    let resnet = json!({"resnet": {"depth": 18, "stem": "small", "norm": "batch"}});
    config.encoder = serde_json::from_value(resnet).unwrap();
    let found = on_ranks(2, |group| {
        let mut learner = Learner::new(&config, task(Kind::Float)).unwrap();
        learner.join(Rc::clone(&group), false);
        let batch = part(&step(0, local, Kind::Float), &group);
        learner.step(&batch, StepCount { step: 0, total: 10 }).unwrap();
        (learner.fingerprint(), checkpoint::tensors(&learner))
    });
    assert_eq!(found[0].0, found[1].0);
    for ((name, a), (_, b)) in found[0].1.iter().zip(&found[1].1) {
        assert!(a.equal(b), "{name} differs between ranks");
    }
}
