//! What holds on a GPU too, where there is one: `cargo test -p end-to-end --test gpu -- --ignored`.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{Finished, Place, assert_same_tensors, pretrain};
use serde_json::json;

const DEVICE: &str = "cuda";

/// A place whose configurations save often and compute on the GPU: SimCLR by a ResNet whose stem
/// pools, DINO by a vision transformer with local views. Global views have 256 patches: kernels of
/// attention take 128 at a time, and add what these give.
fn place(precision: &str) -> Place {
    let place = Place::furnished();
    let resnet = json!({"resnet": {"depth": 18, "stem": "imagenet", "norm": "batch"}});
    let size = json!({"custom": {"embed_dim": 64, "num_heads": 2, "depth": 2}});
    let vit = json!({"vit": {"size": size, "patch_size": 8, "img_size": 128}});
    for (method, encoder) in [("simclr", resnet), ("dino", vit)] {
        place.put_config(method, |config| {
            if method == "dino" {
                config["image_size"] = json!(128);
                config["method"]["dino"]["variant"] = json!({"paper": {"center_momentum": 0.9}});
                config["method"]["dino"]["koleo"] = json!(0.1);
                let mut local = config["augment"]["views"][0].clone();
                (local["count"], local["size"]) = (json!(2), json!(0.5));
                config["augment"]["views"].as_array_mut().expect("groups").push(local);
            }
            config["train"]["device"] = json!(DEVICE);
            config["train"]["precision"] = json!(precision);
            config["train"]["epochs"] = json!(4);
            config["train"]["log_every"] = json!(1);
            config["checkpoint"]["every_steps"] = json!(5);
            config["health"]["on_collapse"] = json!("warn");
            config["encoder"] = encoder;
        });
    }
    place
}

/// Runs to its end, with the GPU in sight.
fn run(place: &Place, arguments: &[&str]) -> Finished {
    let mut command = place.command(arguments);
    let output = command.env_remove("CUDA_VISIBLE_DEVICES").output();
    Finished::new(arguments.join(" "), output.expect("twinview starts")).done()
}

/// Starts the command, which trains in `run`, and kills it after the second checkpoint.
fn killed(place: &Place, arguments: &[&str]) {
    let mut child = place
        .command(arguments)
        .env_remove("CUDA_VISIBLE_DEVICES")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("twinview starts");
    let second = place.path("run/checkpoints/step-000000010.safetensors");
    let begun = Instant::now();
    while !second.exists() && begun.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(1));
    }
    child.kill().expect("a running child");
    child.wait().expect("a child");
    assert!(second.exists(), "no second checkpoint");
}

#[test]
#[ignore = "needs a GPU"]
fn a_killed_run_ends_with_the_bits_of_one_that_never_stopped() {
    let precisions = ["f32", "tf32", "bf16"];
    for (method, precision) in ["simclr", "dino"]
        .into_iter()
        .flat_map(|method| precisions.map(|precision| (method, precision)))
    {
        let place = place(precision);
        let config = format!("{method}.json");
        run(&place, &pretrain(&config, "whole"));
        killed(&place, &pretrain(&config, "run"));
        let again = [&pretrain(&config, "run")[..], &["--resume"]].concat();
        run(&place, &again);
        let what = format!("{method} in {precision}");
        assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"), "{what}");
        assert_same_tensors(&place.newest("run"), &place.newest("whole"));
        let peak = &place.read_json("run/summary.json")["peak_gpu_memory_bytes"];
        assert!(peak.as_u64().is_some_and(|bytes| bytes > 1_000_000), "{what}: {peak}");
    }
}

#[test]
#[ignore = "needs a GPU"]
fn cuda_graphs_change_no_bit() {
    let precisions = ["f32", "tf32", "bf16"];
    for (method, precision) in ["simclr", "dino"]
        .into_iter()
        .flat_map(|method| precisions.map(|precision| (method, precision)))
    {
        let place = place(precision);
        let config = format!("{method}.json");
        let [eager, graph] = ["eager", "graph"].map(|run| pretrain(&config, run));
        run(&place, &eager);
        let graphs = ["--set", "train.cuda_graph=true"];
        run(&place, &[&graph[..], &graphs].concat());
        let what = format!("{method} in {precision}");
        assert_eq!(place.timeless_metrics("graph"), place.timeless_metrics("eager"), "{what}");
        assert_same_tensors(&place.newest("graph"), &place.newest("eager"));
        killed(&place, &[&pretrain(&config, "run")[..], &graphs].concat());
        run(&place, &[&pretrain(&config, "run")[..], &["--resume"]].concat());
        assert_same_tensors(&place.newest("run"), &place.newest("eager"));
    }
}

/// 32-bit floats are 32-bit floats on both, also of a run that was trained in TensorFloat-32: that
/// would be off by a few thousandths.
#[test]
#[ignore = "needs a GPU"]
fn features_are_those_of_the_cpu() {
    let place = place("tf32");
    run(&place, &pretrain("simclr.json", "run"));
    let [gpu, cpu] = [DEVICE, "cpu"].map(|device| {
        let out = format!("{device}.safetensors");
        run(&place, &["embed", "run", "--device", device, "--out", &out]);
        let stored = end_to_end::tensors(&place.path(&out));
        let features = stored.into_iter().find(|(name, ..)| name == "features");
        let (_, _, _, bytes) = features.expect("features");
        let numbers = bytes.as_chunks::<4>().0.iter();
        numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>()
    });
    assert_eq!(gpu.len(), cpu.len());
    let largest = cpu.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    for (at, (a, b)) in gpu.iter().zip(&cpu).enumerate() {
        assert!((a - b).abs() < 1e-5 * largest, "{at}: {a} beside {b}");
    }
}
