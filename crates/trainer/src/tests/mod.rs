//! Golden tests of whole training steps.

pub(crate) mod batch_statistics;
mod batches;
mod collapse;
mod ema;
mod graph_capture;
mod initial_knn;
pub(crate) mod micro_batch;
mod optimizer_resume;
mod perturbation;
mod ranks;

use std::collections::BTreeSet;

use augment::Recipe;
use golden::{Tensors, difference};
use methods::METHODS;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor, no_grad};

pub(crate) use perturbation::{Perturbation, spread};

use crate::measures::epoch_metrics::Pending;
use crate::*;

/// The seed's settings around an encoder of width 8.
pub(crate) fn tiny_config(method: &str) -> Config {
    let method = match method {
        "simclr" => json!({"simclr": {"variant": "seed", "temperature": 0.1}}),
        "dino" => json!({"dino": {
            "variant": "seed", "student_temp": 0.1, "teacher_temp": {"constant": 0.05}, "teacher_momentum": {"constant": 0.9},
        }}),
        "nnclr" => {
            json!({"nnclr": {"variant": "seed", "temperature": 0.1, "queue_size": 64, "predictor": null}})
        }
        "moco" => json!({"moco": {
            "variant": "seed", "temperature": 0.1, "queue_size": 64, "teacher_momentum": {"constant": 0.99}, "predictor": null,
        }}),
        "dcl" => json!({"dcl": {"variant": "seed", "temperature": 0.1}}),
        "barlow_twins" => json!({"barlow_twins": {"variant": "seed", "lambda": 10.0}}),
        "hsic_twins" => json!({"hsic_twins": {"variant": "seed", "lambda": 3.0}}),
        "twist" => json!({"twist": {"variant": "seed"}}),
        "byol" => {
            json!({"byol": {"teacher_momentum": {"constant": 0.99}, "predictor": {"hidden_dims": [8], "norm": "hidden"}}})
        }
        "simsiam" => json!({"simsiam": {"predictor": {"hidden_dims": [8], "norm": "hidden"}}}),
        other => panic!("no tiny config of {other}"),
    };
    let adam = json!({"adam": {"variant": "keras", "lr": {"constant": 0.001}, "betas": [0.9, 0.999], "epsilon": 1e-7}});
    let transforms = |recipe: Recipe| serde_json::to_value(recipe.transforms).unwrap();
    let config = json!({
        "seed": 0,
        "image_size": 32,
        "augment": {
            "views": [{
                "count": 2, "size": 1.0, "transforms": transforms(Recipe::seed_strong(32)),
            }],
            "probe": {"transforms": transforms(Recipe::seed_weak(32))},
        },
        "encoder": {"conv": {"width": 8, "layers": 4, "pool": "flatten"}},
        "projection": {"mlp": {"hidden_dims": [8], "output_dim": 8, "norm": "none"}},
        "method": method,
        "optimizer": adam,
        "probe": {"optimizer": adam},
        "train": {
            "epochs": 2, "patience": null, "batch_size": 16, "micro_batch": null, "reduction": "sum", "grad_clip_norm": null,
            "teacher_init": "copy", "device": "cpu", "precision": "f32", "workers": 1, "log_every": 3,
        },
        "health": {"on_collapse": "stop", "min_std": 0.0, "min_rank": 0.0, "patience": 3},
        "checkpoint": {"every_epochs": 1, "every_steps": 0, "every_minutes": 0.0, "keep_last": 2, "best": "effective_rank"},
    });
    Config::parse(&config.to_string(), "tiny").unwrap()
}

/// The reference's layout of a parameter: kernels are HWIO and input x output.
fn to_our_layout(tensor: &Tensor) -> Tensor {
    match tensor.dim() {
        4 => tensor.permute([3, 2, 0, 1]),
        2 => tensor.tr(),
        _ => tensor.shallow_clone(),
    }
}

/// Every weight of the learner with its name in the reference.
fn reference_names(learner: &Learner) -> Vec<(String, Tensor)> {
    let rename = |name: &str| {
        let name = name.replace("weight", "kernel");
        if let Some(layer) = name.strip_prefix("probe.") {
            format!("probe.dense.{layer}")
        } else {
            name
        }
    };
    checkpoint::tensors(learner)
        .into_iter()
        .filter(|(name, _)| !name.starts_with("optimizer.") && !name.starts_with("method."))
        .map(|(name, tensor)| match name.strip_prefix("teacher.") {
            Some(name) => (format!("m_{}", rename(name)), tensor),
            None => (rename(&name), tensor),
        })
        .collect()
}

/// The config of a run of set F: what its files say, in the seed's form.
fn trajectory_config(reference: &Value, run: &Value) -> Config {
    let method = match run["method"].as_str().unwrap() {
        "SimCLR" => "simclr",
        "NNCLR" => "nnclr",
        "DCCLR" => "dcl",
        "BarlowTwins" => "barlow_twins",
        "HSICTwins" => "hsic_twins",
        "TWIST" => "twist",
        "MoCo" => "moco",
        "DINO" => "dino",
        other => panic!("no method called {other}"),
    };
    let mut config = serde_json::to_value(tiny_config(method)).unwrap();
    let (inputs, initial) =
        (Tensors::open("f_inputs.safetensors"), Tensors::open("f_initial_weights.safetensors"));
    let hyper = &run["hyperparams"];
    let constant = |key: &str| json!({"constant": hyper[key]});
    let number = |key: &str| hyper[key].as_f64().unwrap_or(f64::NAN);
    let teacher_temp = json!({"constant": number("temperature") * number("sharpening")});
    let temperature = if method == "dino" { "student_temp" } else { "temperature" };
    let weight = "redundancy_reduction_weight";
    let given = [
        ("temperature", temperature, hyper["temperature"].clone()),
        (weight, "lambda", hyper[weight].clone()),
        ("queue_size", "queue_size", json!(inputs.get("queue").size()[0])),
        ("momentum_coeff", "teacher_momentum", constant("momentum_coeff")),
        ("sharpening", "teacher_temp", teacher_temp),
    ];
    for (theirs, ours, value) in given {
        if !hyper[theirs].is_null() {
            config["method"][method][ours] = value;
        }
    }
    let init = run["init"].as_str().unwrap();
    let units = |layer: &str| initial.get(&format!("{init}.{layer}.bias")).size()[0];
    let convolutions = format!("{init}.encoder.conv");
    let layers = initial.below(&convolutions).filter(|(name, _)| name.ends_with(".bias")).count();
    config["encoder"]["conv"]["width"] = json!(units("encoder.conv1"));
    config["encoder"]["conv"]["layers"] = json!(layers);
    config["projection"]["mlp"]["hidden_dims"] = json!([units("projection.dense1")]);
    config["projection"]["mlp"]["output_dim"] = json!(units("projection.dense2"));
    let adam = &reference["optimizer"];
    let adam = json!({"adam": {
        "variant": "keras",
        "lr": {"constant": adam["learning_rate"]},
        "betas": [adam["beta_1"], adam["beta_2"]],
        "epsilon": adam["epsilon"],
    }});
    config["probe"]["optimizer"] = adam.clone();
    config["optimizer"] = adam;
    let mean = run["run"].as_str().unwrap().ends_with("_mean");
    config["train"]["reduction"] = json!(if mean { "mean" } else { "sum" });
    let mut config = Config::parse(&config.to_string(), "set F").unwrap();
    let side = run["image_size"].as_u64().unwrap() as usize;
    config.image_size = side;
    config
}

fn load_initial(learner: &Learner, run: &Value) {
    let initial = Tensors::open("f_initial_weights.safetensors");
    let init = run["init"].as_str().unwrap();
    let copied = run["momentum_init"].as_str().is_some_and(|how| how.starts_with("copied"));
    for (name, mut tensor) in reference_names(learner) {
        let source = match name.strip_prefix("m_") {
            Some(name) if copied => format!("{init}.{name}"),
            Some(name) => format!("m_{init}.{name}"),
            None => format!("{init}.{name}"),
        };
        let values = to_our_layout(initial.get(&source));
        no_grad(|| tensor.copy_(&values));
    }
    if let Some(queue) = learner.student.store.variables().get_mut("method.queue") {
        no_grad(|| queue.copy_(Tensors::open("f_inputs.safetensors").get("queue")));
    }
}

fn images(inputs: &Tensors, name: &str, step: i64, side: i64, kind: Kind) -> Tensor {
    let images = inputs.get(name).get(step).narrow(1, 0, side).narrow(2, 0, side);
    (images.to_kind(kind) / 256.0).contiguous().permute([0, 3, 1, 2])
}

/// What a run of set F gives.
struct Trajectory {
    /// Of each step, [`NUMBERS`].
    steps: Vec<[f64; NUMBERS.len()]>,
    /// Every weight at the end, and the queue, by their names in the reference.
    last: Vec<(String, Tensor)>,
}

/// The numbers of a step by their names in the reference: two losses, and three accuracies of all
/// steps so far.
const NUMBERS: [&str; 5] = ["c_loss_mean", "p_loss", "c_acc", "r_acc", "p_acc"];

/// Trains a run of set F; with a perturbation, weights, images, features and projections of every
/// step are perturbed.
fn trajectory(
    run: &Value,
    config: &Config,
    kind: Kind,
    perturbation: Option<&Perturbation>,
) -> Trajectory {
    let side = run["image_size"].as_i64().unwrap();
    let inputs = Tensors::open("f_inputs.safetensors");
    let initial = Tensors::open("f_initial_weights.safetensors");
    let classes = initial.get(&format!("{}.probe.dense.bias", run["init"].as_str().unwrap()));
    let [steps, batch, ..] = inputs.get("view1").size()[..] else { panic!("views of steps") };
    let dtypes = DTypes { master: kind, compute: kind };
    let task = LearnerOptions { classes: Some(classes.size()[0]), device: Device::Cpu, dtypes };
    let mut learner = match perturbation {
        None => Learner::new(config, task).unwrap(),
        Some(perturbation) => perturbation.learner(config, task),
    };
    load_initial(&learner, run);
    let mut metrics = EpochMetrics::default();
    let mut pending = Pending::default();
    let mut trajectory = Trajectory { steps: Vec::new(), last: Vec::new() };
    for number in 0..steps {
        let view = |name| {
            let images = images(&inputs, name, number, side, kind);
            match perturbation {
                None => images,
                Some(perturbation) => perturbation.apply(&images),
            }
        };
        if let Some(perturbation) = perturbation {
            perturbation.weights(&learner);
        }
        let step = DeviceBatch {
            masks: None,
            views: vec![Tensor::cat(&[view("view1"), view("view2")], 0)],
            images: batch,
            labeled: batch,
            probe: Some((view("probe_view"), inputs.get("labels").get(number))),
        };
        let count = StepCount { step: number as u64, total: steps as u64 };
        pending.push(&learner.step(&step, count).unwrap()).unwrap();
        let numbers = pending.take(0).unwrap()[0];
        metrics.add(&numbers);
        trajectory.steps.push([
            numbers.loss,
            numbers.probe_loss / numbers.probe.total as f64,
            metrics.contrastive_acc(),
            metrics.correlation_acc(),
            metrics.probe_acc().unwrap(),
        ]);
    }
    trajectory.last = reference_names(&learner);
    if let Some(queue) = learner.student.store.variables().remove("method.queue") {
        trajectory.last.push(("queue".to_owned(), queue));
    }
    trajectory
}

/// Perturbed runs of each run.
const PERTURBED: u64 = 12;
/// Times the spread of the perturbed runs that float32 may differ by, since they are a sample.
pub(crate) const SAFETY: f64 = 2.0;

fn check_trajectory(run: &Value, config: &Config) {
    let name = run["run"].as_str().unwrap();
    let exact = trajectory(run, config, Kind::Double, None);
    let single = trajectory(run, config, Kind::Float, None);
    let perturbed: Vec<_> = (0..PERTURBED)
        .map(Perturbation::new)
        .map(|perturbation| trajectory(run, config, Kind::Double, Some(&perturbation)))
        .collect();
    let expected = |kind: &str, step: usize, what: &str| run[kind][step][what].as_f64().unwrap();
    assert_eq!(exact.steps.len(), run["steps_f64"].as_array().unwrap().len(), "{name}: steps");
    for (step, numbers) in exact.steps.iter().enumerate() {
        for (index, what) in NUMBERS.into_iter().enumerate() {
            let (double, float) = if index < 2 { (1e-8, 2e-5) } else { (1e-6, 1e-6) };
            let exact = numbers[index];
            let reference = expected("steps_f64", step, what);
            assert!(
                (exact - reference).abs() <= double * reference.abs(),
                "{name} float64 step {step}: {what} {exact}, not {reference}"
            );
            let spread = perturbed.iter().map(|run| (run.steps[step][index] - exact).abs());
            let spread = SAFETY * spread.fold(0.0, f64::max);
            let allowed = spread.max(float * reference.abs());
            let ours = single.steps[step][index];
            // The reference's own float32 is one more machine that the tolerance has to fit.
            for found in [ours, expected("steps_f32", step, what)] {
                assert!(
                    (found - reference).abs() <= allowed,
                    "{name} float32 step {step}: {what} {found}, not {reference}, within {allowed:e}"
                );
            }
        }
    }
    let last = Tensors::open("f_final_weights.safetensors");
    let gradients = Tensors::open("f_first_gradients.safetensors");
    for (index, (weight, exact)) in exact.last.iter().enumerate() {
        let expected = last.get(&format!("{name}.final.{weight}"));
        let queue = weight == "queue";
        let expected = if queue { expected.shallow_clone() } else { to_our_layout(expected) };
        let off = difference(exact, &expected);
        let tolerance = if queue { 1e-5 } else { 1e-8 };
        assert!(off <= tolerance, "{name} float64 {weight}: off by {off}");

        let spread = spread(exact, perturbed.iter().map(|run| &run.last[index].1));
        let allowed = (spread * SAFETY).clamp_min(1e-5);
        let off = (single.last[index].1.to_kind(Kind::Double) - expected).abs();
        // Whether the sum or the mean is differentiated doesn't change which weights have a
        // gradient.
        let run = name.replace("_mean", "_seed");
        let gradient = format!("{run}.grad1.{}", weight.trim_start_matches("m_"));
        let off = match gradients.has(&gradient) {
            // Adam blows rounding noise up to a step where the gradient is zero by symmetry.
            true => off * to_our_layout(gradients.get(&gradient)).abs().gt(1e-12),
            false => off,
        };
        let off = (off / allowed).max().double_value(&[]);
        assert!(off <= 1.0, "{name} float32 {weight}: off by {off} times what is allowed");
    }
}

#[test]
fn golden_trajectories_match_set_f() {
    let reference = golden::json("f_trajectories.json");
    let mut methods = BTreeSet::new();
    for run in reference["runs"].as_array().unwrap() {
        let config = trajectory_config(&reference, run);
        check_trajectory(run, &config);
        methods.insert(config.method.name().to_owned());
    }
    let with_seed_variant = METHODS.iter().filter(|method| method.has_seed_variant());
    assert_eq!(methods.len(), with_seed_variant.count(), "only runs of {methods:?}");
}
