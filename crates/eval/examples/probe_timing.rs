//! Times the protocols and metrics on features of a given size:
//! `probe_timing [TRAIN] [TEST] [FEATURES]`.
//!
//! The features are rectified, correlated and of falling variance, as those of an encoder are.

#![allow(clippy::print_stdout, reason = "an example reports to its user")]

use std::ops::ControlFlow;
use std::time::Instant;

use eval::{Features, LabeledData, LogisticProblem, LogisticSettings, Protocol, evaluate};
use metrics::{contrastive_correct, correlation_correct, effective_rank, feature_std};
use tch::{Device, Kind, Tensor};

const CLASSES: i64 = 10;

fn main() {
    tch::manual_seed(0);
    let sizes: Vec<i64> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    let size = |index: usize, default: i64| sizes.get(index).copied().unwrap_or(default);
    let (train, test, dim) = (size(0, 9469), size(1, 3925), size(2, 128));
    println!(
        "{train} train, {test} test, {dim} features, {CLASSES} classes, {} threads",
        tch::get_num_threads()
    );

    // Distance of the classes' centers: 0.2 leaves a linear classifier at about 50 %.
    let spread = size(3, 20) as f64 / 100.0;
    let (x, labels) = synthetic(train + test, dim, spread);
    let (train, test) = (slice(&x, &labels, 0, train), slice(&x, &labels, train, test));
    solver(&train);
    let data = LabeledData { train: &train, test: Some(&test), folds: &[], images: None };
    for protocol in Protocol::quick() {
        let start = Instant::now();
        let on_progress = |_, _| ControlFlow::Continue(());
        let report = evaluate(&protocol, &data, &on_progress).expect("valid features");
        println!("{}: {:.3} s, accuracy {:.4}", protocol.name(), secs(start), report.accuracy());
        if let eval::Report::Linear(report) = report {
            println!("  {:?}, C {}, edge {:?}", report.validation, report.c, report.c_at_edge);
        }
    }
    step_metrics();
    let start = Instant::now();
    let rank = effective_rank(train.x());
    println!("effective rank {rank:.2}: {:.1} ms", 1e3 * secs(start));
}

fn solver(train: &Features) {
    let start = Instant::now();
    let problem = LogisticProblem::new(train.x(), train.labels()).expect("valid features");
    println!("prepare: {:.3} s", secs(start));
    for c in [1e-4, 1e-2, 1.0, 1e2] {
        let start = Instant::now();
        let fit = problem.fit(c, None, &LogisticSettings::default()).expect("a valid C");
        println!(
            "C {c}: {:.3} s, {} iterations, {} evaluations, gradient {:.1e}, converged {}",
            secs(start),
            fit.iterations,
            fit.evaluations,
            fit.gradient_norm,
            fit.converged
        );
    }
}

fn step_metrics() {
    const STEPS: u32 = 200;
    let pair = || Tensor::randn([256, 128], (Kind::Float, Device::Cpu)).relu();
    let (f1, f2) = (pair(), pair());
    let timed = |name: &str, step: &dyn Fn()| {
        step();
        let start = Instant::now();
        (0..STEPS).for_each(|_| step());
        println!("{name}, batch 256 x 128: {:.3} ms", 1e3 * secs(start) / f64::from(STEPS));
    };
    timed("contrastive_correct", &|| drop(contrastive_correct(&f1, &f2)));
    timed("correlation_correct", &|| drop(correlation_correct(&f1, &f2)));
    timed("feature_std", &|| _ = feature_std(&f1));
    timed("effective_rank", &|| _ = effective_rank(&f1));
}

fn synthetic(images: i64, dim: i64, spread: f64) -> (Tensor, Tensor) {
    let options = (Kind::Float, Device::Cpu);
    let labels = Tensor::randint(CLASSES, [images], (Kind::Int64, Device::Cpu));
    let centers = Tensor::randn([CLASSES, dim], options) * spread;
    let scales = (Tensor::arange(dim, options) * (-6.0 / dim as f64)).exp();
    let latent =
        (Tensor::randn([images, dim], options) + centers.index_select(0, &labels)) * scales;
    let mixing = Tensor::randn([dim, dim], options);
    (latent.matmul(&mixing).relu(), labels)
}

fn slice(x: &Tensor, labels: &Tensor, first: i64, count: i64) -> Features {
    let labels = Vec::<i64>::try_from(&labels.narrow(0, first, count)).expect("labels");
    let labels: Vec<u16> = labels.into_iter().map(|label| label as u16).collect();
    Features::new(x.narrow(0, first, count), &labels).expect("finite features")
}

fn secs(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}
